package main

import (
	"encoding"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"duban/domain/enum"
)

// worded is a pointer to an enumeration whose values have words of the field.
type worded interface {
	encoding.TextUnmarshaler
	Chinese() string
}

// chineseOf returns the words for a wire name, or the name where it has none.
func chineseOf(v worded, name string) string {
	if name == "" || v.UnmarshalText([]byte(name)) != nil {
		return name
	}
	return v.Chinese()
}

// choices lists an enumeration's wire names with their words, for a flag's help.
func choices(v worded) string {
	names := enum.NamesOf(v)
	for i, n := range names {
		names[i] = n + " " + chineseOf(v, n)
	}
	return strings.Join(names, ", ")
}

// upTo lists the values of an enumeration that is only ever written, from the first
// to the last; two values may share a wire name.
func upTo[T interface {
	~uint8
	fmt.Stringer
	Chinese() string
}](last T) string {
	var out []string
	for v := T(1); v <= last; v++ {
		if s := v.String() + " " + v.Chinese(); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

// commandWords returns the names of acts with their words: "report 报告进展".
func commandWords(names []string) string {
	words := map[string]string{}
	for _, r := range resources() {
		for _, act := range r.acts {
			if known, twice := words[act.Name]; twice && known != act.Chinese {
				words[act.Name] = "" // it means different things for different records
				continue
			}
			words[act.Name] = act.Chinese
		}
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.TrimSpace(n + " " + words[n])
	}
	return strings.Join(out, ", ")
}

// wrongFlag puts what cobra says of a flag into words a clerk can act on.
func wrongFlag(cmd *cobra.Command, err error) error {
	say := func(zh string) error {
		return usageError{fmt.Errorf("%s，可用的标志见 %s --help / %w", zh, cmd.CommandPath(), err)}
	}
	switch e := err.(type) { //nolint:errorlint // pflag returns these unwrapped, and wraps what a flag's own parser says
	case *pflag.NotExistError:
		return say("没有标志 --" + e.GetSpecifiedName())
	case *pflag.ValueRequiredError:
		return say("标志 --" + e.GetSpecifiedName() + " 后面缺少内容")
	case *pflag.InvalidValueError:
		return usageError{fmt.Errorf("--%s 的内容“%s”不对 / the value of --%s is not valid: %w", e.GetFlag().Name, e.GetValue(), e.GetFlag().Name, e.Unwrap())}
	}
	return usageError{err}
}
