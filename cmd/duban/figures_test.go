package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// draftJSON is the contract of import --dry-run --json (DESIGN, section 5): its
// members and no others.
type draftJSON struct {
	DocumentNumber string   `json:"document_number"`
	Title          string   `json:"title"`
	Issuer         string   `json:"issuer"`
	IssuedOn       string   `json:"issued_on"`
	IssuedOnKind   string   `json:"issued_on_kind"`
	Addressees     []string `json:"addressees"`
	CC             []string `json:"cc"`
	BasedOn        []any    `json:"based_on"`
	Requirements   []struct {
		Text  string `json:"text"`
		Lines [2]int `json:"lines"`
	} `json:"requirements"`
	Clauses []struct {
		Number     int      `json:"number"`
		Path       []string `json:"path"`
		Headings   []string `json:"headings"`
		Part       int      `json:"part"`
		Text       string   `json:"text"`
		TextSHA256 string   `json:"text_sha256"`
		Lines      [2]int   `json:"lines"`
		Mark       string   `json:"mark"`
		Offices    []struct {
			Name        string `json:"name"`
			Role        string `json:"role"`
			PrintedRole string `json:"printed_role"`
			Group       bool   `json:"group"`
		} `json:"offices"`
		AndOthers bool `json:"and_others"`
		Deadlines []struct {
			Date  *string `json:"date"`
			Words string  `json:"words"`
		} `json:"deadlines"`
		Kind      *string `json:"kind"`
		KindWords string  `json:"kind_words"`
	} `json:"clauses"`
	Warnings []struct {
		Line    int    `json:"line"`
		Message string `json:"message"`
	} `json:"warnings"`
}

// scriptFigures checks the draft's form and writes its figures to FILE.figures.
func scriptFigures(ts *testscript.TestScript, _ bool, args []string) {
	raw := []byte(ts.ReadFile(args[0]))
	var d draftJSON
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	ts.Check(dec.Decode(&d))
	var members map[string]json.RawMessage
	ts.Check(json.Unmarshal(raw, &members))
	requireMembers(ts, "draft", members, reflect.TypeFor[draftJSON]())
	var inner struct {
		Clauses []map[string]json.RawMessage `json:"clauses"`
	}
	ts.Check(json.Unmarshal(raw, &inner))
	for i, c := range inner.Clauses {
		requireMembers(ts, fmt.Sprintf("clause %d", i+1), c, reflect.TypeOf(d.Clauses).Elem())
	}

	var b strings.Builder
	with, shares, shared := 0, 0, 0
	offices := map[string]bool{}
	roles := map[string]int{}
	for i, c := range d.Clauses {
		if c.Number != i+1 || len(c.TextSHA256) != 64 {
			ts.Fatalf("clause %d: number %d, digest %s", i+1, c.Number, c.TextSHA256)
		}
		if len(c.Offices) > 0 {
			with++
		}
		if len(c.Offices) > 1 {
			shared++
		}
		shares += len(c.Offices)
		var names []string
		for _, o := range c.Offices {
			offices[o.Name] = true
			roles[o.Role]++
			names = append(names, o.Name)
		}
		fmt.Fprintf(&b, "%d %s %s", c.Number, strings.Join(c.Path, "/"), strings.Join(names, "、"))
		for _, dl := range c.Deadlines {
			if dl.Date != nil {
				b.WriteString(" " + *dl.Date)
			}
		}
		b.WriteByte('\n')
	}
	names := []string{}
	for n := range offices {
		names = append(names, n)
	}
	slices.Sort(names)
	fmt.Fprintf(&b, "%s %s %s %s\n", d.DocumentNumber, d.Issuer, d.IssuedOn, d.IssuedOnKind)
	fmt.Fprintf(&b, "clauses %d with %d without %d shared %d shares %d offices %d\n", len(d.Clauses), with, len(d.Clauses)-with, shared, shares, len(names))
	kinds := []string{}
	for r, n := range roles {
		kinds = append(kinds, fmt.Sprintf("%s %d", r, n))
	}
	sort.Strings(kinds)
	fmt.Fprintf(&b, "roles %s requirements %d\n", strings.Join(kinds, ", "), len(d.Requirements))
	out := args[0] + ".figures"
	ts.Check(os.WriteFile(ts.MkAbs(out), []byte(b.String()), 0o600))
}

// requireMembers: no member of the contract is left out.
func requireMembers(ts *testscript.TestScript, what string, have map[string]json.RawMessage, t reflect.Type) {
	for i := range t.NumField() {
		name := t.Field(i).Tag.Get("json")
		if _, ok := have[name]; !ok {
			ts.Fatalf("%s: the member %s is missing", what, name)
		}
	}
}
