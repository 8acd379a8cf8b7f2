package domain

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParseRef(t *testing.T) {
	for s, want := range map[string]Ref{
		"task/01JDB3": {KindTask, "01JDB3"}, "person/z01": {KindPerson, "z01"}, "office/机电处": {KindOffice, "机电处"},
		"name/" + strings.Repeat("a", 128): {KindName, strings.Repeat("a", 128)},
	} {
		if r, err := ParseRef(s); err != nil || r != want || r.String() != s || r.IsZero() {
			t.Errorf("%s: %v, %v", s, r, err)
		}
	}
	for _, s := range []string{
		"", "task", "task/", "/01T", "Task/01T", "tasks/01T", "cat/01T", "task/01T/x", "task/a b", "task/a\n", "task/\u3000", "task/\x00", "task/\xff",
		"task/" + strings.Repeat("a", 129), " task/01T", "task//",
	} {
		if r, err := ParseRef(s); err == nil {
			t.Errorf("%q is read as %v", s, r)
		}
	}
	if r, err := Person("z01"); err != nil || r != (Ref{KindPerson, "z01"}) {
		t.Errorf("%v, %v", r, err)
	}
	if r, err := Person("z/01"); err == nil {
		t.Errorf("%v", r)
	}
}

func TestRefText(t *testing.T) {
	var v struct {
		A Ref `json:"a,omitzero"`
		B Ref `json:"b"`
	}
	if err := json.Unmarshal([]byte(`{"a":"task/01T","b":""}`), &v); err != nil || v.A != (Ref{KindTask, "01T"}) || !v.B.IsZero() {
		t.Errorf("%+v, %v", v, err)
	}
	if b, err := json.Marshal(v); err != nil || string(b) != `{"a":"task/01T","b":""}` {
		t.Errorf("%s, %v", b, err)
	}
	for _, bad := range []string{`{"a":"01T"}`, `{"a":{"kind":"task"}}`, `{"a":5}`} {
		if err := json.Unmarshal([]byte(bad), &v); err == nil {
			t.Errorf("%s is read as %+v", bad, v)
		}
	}
}

func TestKindsAndRoles(t *testing.T) {
	for k := KindDirective; k <= KindPerson; k++ {
		if back, err := ParseKind(k.String()); err != nil || back != k {
			t.Errorf("%v: %v, %v", k, back, err)
		}
	}
	words := map[string]bool{}
	for r := RoleSafetyOffice; r <= RoleSystem; r++ {
		b, err := r.MarshalText()
		if err != nil || string(b) != "role/"+r.String() {
			t.Errorf("%s, %v", b, err)
		}
		var back Role
		if err := back.UnmarshalText(b); err != nil || back != r {
			t.Errorf("%s: %v, %v", b, back, err)
		}
		if p, err := ParseRole(r.String()); err != nil || p != r || words[r.Chinese()] {
			t.Errorf("%v: %v, %v, %s", r, p, err, r.Chinese())
		}
		words[r.Chinese()] = true
	}
	if len(Roles()) != int(RoleSystem) {
		t.Errorf("%v", Roles())
	}
	if b, err := Role(0).MarshalText(); err != nil || len(b) > 0 {
		t.Errorf("no role is written %q, %v", b, err)
	}
	if b, err := Role(99).MarshalText(); err == nil {
		t.Errorf("role 99 is written %q", b)
	}
	for _, bad := range []string{"role/", "role/king", "king", "role/role/office"} {
		var r Role
		if err := r.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is read as %v", bad, r)
		}
	}
	for v := ViaPaper; v <= ViaMeeting; v++ {
		b, err := v.MarshalText()
		var back Via
		if err != nil || back.UnmarshalText(b) != nil || back != v || string(b) != v.String() {
			t.Errorf("%v: %s, %v", v, b, err)
		}
	}
	for m := ModeVoid; m <= ModeAmend; m++ {
		b, err := m.MarshalText()
		var back Mode
		if err != nil || back.UnmarshalText(b) != nil || back != m || string(b) != m.String() {
			t.Errorf("%v: %s, %v", m, b, err)
		}
	}
}

func TestRefusal(t *testing.T) {
	r := Illegal("share.status", "不能办理", "not possible")
	now := r.Now([]string{"report", "assign"})
	if now.Error() != "不能办理 / not possible（现在可以 / allowed now: report, assign） [share.status]" || len(r.Allowed) > 0 {
		t.Errorf("%v; %v", now, r)
	}
	if r.Error() != "不能办理 / not possible [share.status]" {
		t.Errorf("%v", r)
	}
	for r, want := range map[*Refusal]Reason{r: ReasonIllegal, Invalid("a", "b", "c", "d"): ReasonInvalid, Forbidden("a", "b", "c"): ReasonForbidden} {
		if r.Reason != want || (r.Field != "") != (want == ReasonInvalid) {
			t.Errorf("%+v", r)
		}
	}
}
