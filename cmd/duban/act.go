package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"

	"duban/api"
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/finding"
	"duban/domain/inspection"
	"duban/domain/office"
	"duban/domain/policy"
	"duban/domain/task"
	"duban/domain/workyear"
	"duban/projections"
)

// resource is a kind of record whose acts become subcommands, with a flag for
// every field of the event asked for.
type resource struct {
	name, plural, chinese string
	acts                  []domain.Act
	create                string
	proposal              string // path below plural/ID of a body the creating act may begin with
}

func resources() []resource {
	return []resource{
		{"task", "tasks", "任务", append(task.Acts(), task.DocketAct()), task.DocketAct().Name, ""},
		{"finding", "findings", "隐患", finding.Acts(), "record", ""},
		{"inspection", "inspections", "检查", inspection.Acts(), "open", ""},
		{"office", "offices", "处室", office.Acts(), "register", ""},
		{"directive", "directives", "文件", directive.LaterActs(), "", ""},
		{"calendar", "calendars", "工作日历", workyear.Acts(), "publish", "proposal"},
		{"policy", "policy/lights", "亮灯规则", policy.Acts(), "set-lights", ""},
	}
}

func (a *app) resourceCommand(r resource) *cobra.Command {
	cmd := &cobra.Command{Use: r.name, Short: "办理" + r.chinese + "的命令 / commands on " + r.plural, RunE: group}
	for _, act := range r.acts {
		cmd.AddCommand(a.actCommand(r, act))
	}
	return cmd
}

func (a *app) actCommand(r resource, act domain.Act) *cobra.Command {
	create := act.Name == r.create
	use, args := act.Name+" ID", exactArgs(1)
	if create {
		use, args = act.Name, exactArgs(0)
	}
	if create && r.proposal != "" {
		use, args = act.Name+" [ID]", atMost(1)
	}
	f := &fields{values: map[string]json.RawMessage{}, types: map[string]reflect.Type{}, files: map[string][]string{}}
	var key, ifMatch, bodyFile string
	cmd := &cobra.Command{Use: use, Short: act.Chinese, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		c, err := a.client()
		if err != nil {
			return err
		}
		if create && len(args) == 1 {
			if err := c.get(cmd.Context(), r.plural+"/"+url.PathEscape(args[0])+"/"+r.proposal, nil, &f.base); err != nil {
				return err
			}
		}
		body, err := f.body(cmd.Context(), a, c, bodyFile)
		if err != nil {
			return err
		}
		path := r.plural
		if !create {
			id, err := r.id(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			path += "/" + url.PathEscape(id) + "/" + act.Name
		}
		header := map[string]string{}
		if key != "" {
			header["Idempotency-Key"] = key
		}
		if ifMatch != "" {
			header["If-Match"] = ifMatch
		}
		b, err := c.do(cmd.Context(), request{method: http.MethodPost, path: path, body: bytes.NewReader(body), media: "application/json", header: header})
		return a.printWrite(b, err)
	}}
	f.add(cmd, reflect.TypeOf(act.Ask).Elem())
	cmd.Flags().StringVar(&key, "idempotency-key", "", "ULID，重试时用同一个 / the same at a retry")
	cmd.Flags().StringVar(&ifMatch, "if-match", "", "读到的版本 / the version as read")
	cmd.Flags().StringVar(&bodyFile, "body", "", "JSON 文件，- 为标准输入 / JSON file, - for standard input")
	cmd.Flags().Func("time", "发生时间，RFC 3339 或日期 / when it happened", f.setTime)
	return cmd
}

// id returns the id of the record that is meant. An office may be called by its name.
func (r resource) id(ctx context.Context, c *client, arg string) (string, error) {
	id := strings.TrimPrefix(arg, r.name+"/")
	if _, err := ulid.ParseStrict(id); err == nil || r.name != domain.KindOffice.String() {
		return id, nil
	}
	return officeNamed(ctx, c, id)
}

// handOverCommand is office hand-over, for who looks for it by what it does.
func (a *app) handOverCommand() *cobra.Command {
	act, _ := domain.ActOf(office.Acts(), &office.HandedOver{})
	cmd := a.actCommand(resource{name: domain.KindOffice.String(), plural: "offices"}, act)
	cmd.Use, cmd.Short = act.Name+" OFFICE", "把一人经办的全部在办分项移交他人 / hand all open shares of a person over"
	return cmd
}

// printWrite prints what a write recorded.
func (a *app) printWrite(b []byte, err error) error {
	if err != nil || a.json {
		return a.rawOr(b, err)
	}
	var w api.WriteResult
	if err := decode(b, &w); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "已入账 %s/%s 版本 %d，序号 %d\n", w.Kind, w.ID, w.Version, w.Sequence)
	for _, e := range w.Events {
		fmt.Fprintf(a.out, "  %d %s %s\n", e.Sequence, e.Type, e.ID)
	}
	return nil
}

// fields are the members of a command's body given as flags.
type fields struct {
	base   map[string]json.RawMessage // what file and flags change
	values map[string]json.RawMessage
	types  map[string]reflect.Type
	files  map[string][]string // members that are evidence: files and digests
}

// add makes a flag for every JSON member of a payload, embedded ones included.
func (f *fields) add(cmd *cobra.Command, t reflect.Type) {
	for i := range t.NumField() {
		sf := t.Field(i)
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if sf.Anonymous && name == "" {
			f.add(cmd, sf.Type)
			continue
		}
		if name == "" || name == "-" {
			continue
		}
		usage := flagUsage(sf)
		f.types[name] = sf.Type
		flag := strings.ReplaceAll(name, "_", "-")
		set := func(v string) error { return f.set(sf, name, v) }
		if sf.Type.Kind() == reflect.Bool {
			cmd.Flags().BoolFunc(flag, usage, set)
			continue
		}
		cmd.Flags().Func(flag, usage, set)
	}
}

func (f *fields) set(sf reflect.StructField, name, v string) error {
	t := sf.Type
	switch {
	case t == evidenceType && !strings.HasPrefix(strings.TrimSpace(v), "["):
		f.files[name] = several(v, ",")
		return nil
	case t == refsType && !strings.HasPrefix(strings.TrimSpace(v), "["):
		return f.encode(name, kinded(sf, several(v, ",、，")))
	case t == refType && v != "" && !strings.Contains(v, "/"):
		return f.encode(name, kinded(sf, []string{v})[0])
	case isText(t):
		return f.encode(name, v)
	}
	if !json.Valid([]byte(v)) {
		return fmt.Errorf("应为 JSON，如 '%s' / is JSON, such as '%s'", shape(t), shape(t))
	}
	f.values[name] = json.RawMessage(v)
	return nil
}

func (f *fields) encode(name string, v any) error {
	b, err := json.Marshal(v)
	f.values[name] = b
	return err
}

// setTime takes an RFC 3339 time, or a date, which means its morning.
func (f *fields) setTime(v string) error {
	if v == string(calendar.On(time.Now())) {
		return nil // today is now, which is what the server takes when told nothing
	}
	if len(v) == len("2006-01-02") {
		v += "T09:00:00+08:00"
	}
	return f.encode("time", v)
}

// body returns the JSON to send: the file's members, with the flags over them,
// and offices that were given by name turned into references.
func (f *fields) body(ctx context.Context, a *app, c *client, file string) ([]byte, error) {
	all := map[string]json.RawMessage{}
	maps.Copy(all, f.base)
	if file != "" {
		b, err := a.readFile(file)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(b, &all); err != nil {
			return nil, fmt.Errorf("%s 不是 JSON 对象 / %s is no JSON object: %w", file, file, err)
		}
	}
	for k, v := range f.values {
		all[k] = v
	}
	for k, v := range all {
		t, ok := f.types[k]
		if !ok {
			continue
		}
		named, err := resolveOffices(ctx, c, t, v)
		if err != nil {
			return nil, err
		}
		all[k] = named
	}
	if err := f.attached(ctx, a, c, all); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

// resolveOffices turns the names of offices in a value of the type into office/ID,
// wherever the type has a reference. What does not fit the type is left for the
// server to refuse.
func resolveOffices(ctx context.Context, c *client, t reflect.Type, raw json.RawMessage) (json.RawMessage, error) {
	switch {
	case t == refType:
		return resolveOffice(ctx, c, raw)
	case t.Kind() == reflect.Pointer:
		return resolveOffices(ctx, c, t.Elem(), raw)
	case t.Kind() == reflect.Slice:
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			return raw, nil //nolint:nilerr // the server says what is wrong with it
		}
		for i := range list {
			var err error
			if list[i], err = resolveOffices(ctx, c, t.Elem(), list[i]); err != nil {
				return nil, err
			}
		}
		return json.Marshal(list)
	case t.Kind() == reflect.Struct && !isText(t):
		return resolveMembers(ctx, c, t, raw)
	}
	return raw, nil
}

func resolveMembers(ctx context.Context, c *client, t reflect.Type, raw json.RawMessage) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || members == nil {
		return raw, nil //nolint:nilerr // the server says what is wrong with it
	}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		v, ok := members[name]
		if !ok {
			continue
		}
		var err error
		if members[name], err = resolveOffices(ctx, c, t.Field(i).Type, v); err != nil {
			return nil, err
		}
	}
	return json.Marshal(members)
}

func resolveOffice(ctx context.Context, c *client, raw json.RawMessage) (json.RawMessage, error) {
	var name string
	if json.Unmarshal(raw, &name) != nil || name == "" || strings.Contains(name, "/") {
		return raw, nil //nolint:nilerr // the server says what is wrong with it
	}
	id, err := officeNamed(ctx, c, name)
	if err != nil {
		return nil, err
	}
	return json.Marshal("office/" + id)
}

func officeNamed(ctx context.Context, c *client, name string) (string, error) {
	var page projections.Page[projections.OfficeView]
	if err := c.get(ctx, "offices", url.Values{"q": {name}, "limit": {"100"}}, &page); err != nil {
		return "", err
	}
	for _, o := range page.Items {
		if o.Name == name {
			return o.ID, nil
		}
		for _, alias := range o.Aliases {
			if alias == name {
				return o.ID, nil
			}
		}
	}
	return "", fmt.Errorf("没有名为“%s”的处室，见 duban offices / there is no office named %s, see duban offices", name, name)
}

// readFile reads a file, or standard input for "-".
func (a *app) readFile(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(a.in)
	}
	return os.ReadFile(name)
}

func asProblem(err error, p *problemError) bool { return errors.As(err, p) }
