package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/directive"
	"duban/domain/finding"
	"duban/domain/inspection"
	"duban/domain/light"
	"duban/domain/office"
	"duban/domain/policy"
	"duban/domain/task"
	"duban/domain/workyear"
)

type document struct {
	OpenAPI string                                `json:"openapi"`
	Servers []struct{ URL string }                `json:"servers"`
	Paths   map[string]map[string]json.RawMessage `json:"paths"`

	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

func (n *node) document() document {
	n.t.Helper()
	var d document
	n.do(request{method: http.MethodGet, path: "/openapi.json"}).want(http.StatusOK).into(&d)
	require.True(n.t, strings.HasPrefix(d.OpenAPI, "3.1"), d.OpenAPI)
	require.Equal(n.t, "/api/v1", d.Servers[0].URL)
	return d
}

// acted is a kind of record with the acts that have routes.
type acted struct {
	plural, create string
	acts           []domain.Act
}

func resources() []acted {
	return []acted{
		{"tasks", "docket", append(task.Acts(), task.DocketAct())}, {"findings", "record", finding.Acts()}, {"inspections", "open", inspection.Acts()},
		{"offices", "register", office.Acts()}, {"directives", "", directive.LaterActs()},
		{"calendars", "publish", workyear.Acts()}, {"policy/lights", "set-lights", policy.Acts()},
	}
}

func (r acted) path(a domain.Act) string {
	if a.Name == r.create {
		return "/" + r.plural
	}
	return "/" + r.plural + "/{id}/" + a.Name
}

func TestEveryRouteIsDocumented(t *testing.T) {
	n := start(t)
	doc := n.document()
	for _, r := range resources() {
		require.NotEmpty(t, r.acts)
		for _, a := range r.acts {
			assert.Contains(t, doc.Paths[r.path(a)], "post", "%s has no route in the document", r.path(a))
		}
		if r.plural != "policy/lights" { // one record: what it was stands beside what it is
			assert.Contains(t, doc.Paths["/"+r.plural+"/{id}/history"], "get")
		}
	}
	for _, p := range []string{"/events", "/events/live", "/summary", "/reports", "/register", "/dossiers/{year}", "/assessment-facts", "/assessment-facts/items", "/evidence", "/evidence/{sha256}", "/directives/preview", "/directives/{id}/source", "/me", "/tokens"} {
		assert.Contains(t, doc.Paths, p)
	}
	// And every documented operation answers: none leads nowhere, and each method
	// beside them is refused as 405, naming them.
	for path, item := range doc.Paths {
		if path == "/events/live" {
			continue
		}
		url := "/api/v1" + filled(path)
		for method := range item {
			a := n.do(request{method: strings.ToUpper(method), path: url})
			assert.Equal(t, http.StatusUnauthorized, a.problem(http.StatusUnauthorized).Status, path)
		}
		a := n.do(request{method: http.MethodPatch, path: url, token: n.token})
		a.problem(http.StatusMethodNotAllowed)
		for method := range item {
			assert.Contains(t, a.header.Get("Allow"), strings.ToUpper(method), path)
		}
	}
}

// What a field or a filter may say stands in the document as an enumeration, and a
// filter that says anything else is refused with that list.
func TestEnumerations(t *testing.T) {
	n := start(t)
	doc := n.document()
	for name, want := range map[string][]string{
		"TaskProgressReported.condition":    {"not_started", "normal", "behind", "done"},
		"TaskProgressReported.received_via": {"paper", "oa", "phone", "meeting"},
		"TaskAssignment.role":               {"lead", "supporting", "joint"},
		"TaskKindDecided.kind":              {"one_off", "recurring", "standing"},
		"TaskSchedule.unit":                 {"once", "month", "quarter", "half_year", "year"},
		"TaskCorrected.mode":                {"void", "amend"},
		"FindingGraded.grade":               {"ordinary", "major"},
		"OfficeRegistered.type":             {"office", "center", "city_bureau", "external"},
		"NoticeOffice.role":                 {"lead", "supporting", "joint"},
	} {
		schema, field, _ := strings.Cut(name, ".")
		assert.Equal(t, want, texts(doc.Components.Schemas[schema].Properties[field].Enum), name)
	}
	assert.Equal(t, "date", doc.Components.Schemas["TaskProgressReported"].Properties["received_on"].Format)
	// The schema of a command's body has them too.
	var op struct {
		RequestBody struct {
			Content map[string]struct{ Schema schema }
		}
	}
	require.NoError(t, json.Unmarshal(doc.Paths["/tasks/{id}/report"]["post"], &op))
	assert.Equal(t, []string{"not_started", "normal", "behind", "done"},
		texts(op.RequestBody.Content["application/json"].Schema.Properties["condition"].Enum))
	// A draft's kind may be missing, and is null then.
	kind := doc.Components.Schemas["NoticeClause"].Properties["kind"]
	assert.Equal(t, []any{"one_off", "recurring", "standing", nil}, kind.Enum)
	assert.Equal(t, []any{"string", "null"}, kind.Type)

	for path, filters := range map[string]map[string][]string{
		"/tasks":       {"status": task.Statuses(), "light": light.Names(), "kind": {"one_off", "recurring", "standing"}},
		"/findings":    {"status": finding.Statuses(), "grade": {"ordinary", "major"}, "light": {"rectification_overdue", "reinspection_due", "normal"}},
		"/inspections": {"status": {"open", "closed"}},
		"/directives":  {"status": {"in_force", "voided", "repealed"}},
	} {
		var op struct {
			Parameters []struct {
				Name   string
				Schema schema
			}
		}
		require.NoError(t, json.Unmarshal(doc.Paths[path]["get"], &op))
		found := 0
		for _, p := range op.Parameters {
			want, ok := filters[p.Name]
			if !ok {
				continue
			}
			found++
			assert.Equal(t, want, texts(p.Schema.Enum), "%s?%s", path, p.Name)
			refused := n.get("/api/v1" + path + "?" + p.Name + "=purple").problem(http.StatusUnprocessableEntity)
			assert.Equal(t, "query."+p.Name, refused.Errors[0].Location)
			for _, v := range want {
				assert.Contains(t, refused.Detail, v)
				n.get("/api/v1" + path + "?" + p.Name + "=" + v).want(http.StatusOK)
			}
		}
		assert.Equal(t, len(filters), found, path)
	}
}

func texts(enum []any) []string {
	var list []string
	for _, v := range enum {
		s, _ := v.(string)
		list = append(list, s)
	}
	return list
}

func filled(path string) string {
	return strings.NewReplacer("{id}", nobody, "{year}", "2019", "{sha256}", strings.Repeat("0", 64), "{digest}", strings.Repeat("0", 64), "{form}", "progress", "{stream}", "ledger").Replace(path)
}

// Who may do what, over every route: without a token nothing; with one, a
// command of another role is refused as 403 and one of the own role is not.
func TestAccess(t *testing.T) {
	n := start(t)
	im := n.importNotice(shortNotice)
	chem := im.offices["化工处"]
	tokens := map[domain.Role]string{domain.RoleSafetyOffice: n.token}
	for _, r := range []domain.Role{domain.RoleOffice, domain.RoleInspector, domain.RoleAuditor, domain.RoleAssessor} {
		o := ""
		if r == domain.RoleOffice {
			o = chem
		}
		tokens[r] = n.member("p-"+r.String(), r.String(), o)
	}
	record := encode(t, body{"subject": body{"name": "某厂", "place": "厂区"}, "description": "d", "category": "c", "found_on": "2019-06-27"})
	ids := map[string]string{"tasks": im.tasks[1], "directives": im.id, "offices": chem[len("office/"):]}
	var made struct{ ID string }
	n.do(keyed(n.token, "findings", record, "")).want(http.StatusCreated).into(&made)
	ids["findings"] = made.ID
	n.post(n.token, "inspections", body{"kind": "日常", "scope": "全部", "team": []string{"person/a"}}).want(http.StatusCreated).into(&made)
	ids["inspections"] = made.ID

	doc := n.document()
	covered := map[string]bool{}
	for _, r := range resources() {
		for _, a := range r.acts {
			covered["POST "+r.path(a)] = true
			for role, token := range tokens {
				path := "/api/v1" + strings.ReplaceAll(r.path(a), "{id}", ids[r.plural])
				got := n.do(keyed(token, path, doc.ask(t, r.path(a), chem), ""))
				if slices.Contains(a.By, role) {
					assert.NotContains(t, string(got.body), `"rule":"role.`, "%s as %s", path, role)
					assert.Less(t, got.status, 500, "%s as %s: %s", path, role, got.body)
					continue
				}
				require.Equal(t, http.StatusForbidden, got.status, "%s as %s: %s", path, role, got.body)
				assert.Contains(t, string(got.body), `"rule":"role.`, "%s as %s", path, role)
			}
		}
	}
	safety := []domain.Role{domain.RoleSafetyOffice}
	writers := append(slices.Clone(safety), domain.RoleOffice, domain.RoleInspector)
	checkers := append(slices.Clone(safety), domain.RoleAuditor, domain.RoleAssessor)
	anybody := []domain.Role{domain.RoleSafetyOffice, domain.RoleOffice, domain.RoleInspector, domain.RoleAuditor, domain.RoleAssessor}
	by := map[string][]domain.Role{
		"POST /directives": safety, "POST /reminders": safety, "POST /tokens": safety, "DELETE /tokens/{digest}": safety, "POST /rebuild": safety,
		"POST /doctor/accept": safety, "GET /doctor": checkers, "GET /dossiers/{year}": checkers, "PUT /evidence": writers, "POST /directives/preview": anybody,
		"GET /backup/contents": safety, "GET /backup/head": safety, "GET /backup/streams/{stream}": safety,
		"POST /imports/{form}": writers, "POST /imports/{form}/preview": writers,
	}
	for path, item := range doc.Paths {
		for method := range item {
			op := strings.ToUpper(method) + " " + path
			if covered[op] || path == "/events/live" {
				continue
			}
			may, listed := by[op]
			if !listed {
				require.Equal(t, "get", method, "%s writes and is not in the access table", op)
				may = anybody
			}
			for role, token := range tokens {
				a := n.do(request{method: strings.ToUpper(method), path: "/api/v1" + filled(path), token: token, media: "application/json", body: valid(op)})
				assert.NotEqual(t, http.StatusUnauthorized, a.status)
				assert.Equal(t, !slices.Contains(may, role), a.status == http.StatusForbidden, "%s as %s: %d %s", op, role, a.status, a.body)
			}
		}
	}
}

// valid returns a body that passes as far as the question who may.
func valid(op string) string {
	switch op {
	case "POST /tokens":
		return `{"person":"x","role":"auditor"}`
	case "POST /reminders":
		return `{"dry_run":true}`
	case "POST /doctor/accept":
		return `{"sequence":1,"reason":"x"}`
	}
	return "x"
}

// A schema is as much of JSON Schema as the document uses.
type schema struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"`
	Format     string            `json:"format"`
	Enum       []any             `json:"enum"`
	Required   []string          `json:"required"`
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
	MinLength  int               `json:"minLength"`
}

// words are values of fields that are words of ours, for all acts and for one.
var words = map[string]any{"role": "joint", "condition": "normal", "mode": "void", "grade": "major", "level": "county", "type": "office", "by": "override",
	"relation": "same_duty", "change": "removed", "new_date": "2020-01-31", "deadline": "2020-01-31", "found_on": "2019-06-27"}

var wordsOf = map[string]body{
	"decide-kind": {"kind": "one_off"}, "transfer": {"cause": "decision"}, "absorb": {"cause": "decision"},
	"tasks": {"kind": "one_off"}, "terminate": {"cause": "relocated"}, "reopen": {"reason": "new_facts"},
	"calendars": {"year": 2020, "off": []string{"2020-01-01"}}, "require-reporting": {"unit": "month", "due_day": 5, "from": "2019-07-01"},
}

// sample returns a value that fits the schema. Texts name an office, which is a
// text and a reference at once.
func (d document) sample(s schema, office string) any {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return d.sample(d.Components.Schemas[name], office)
	}
	kind, _ := s.Type.(string)
	if kinds, ok := s.Type.([]any); ok {
		kind, _ = kinds[0].(string)
	}
	switch {
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Format == "date":
		return "2019-06-27"
	case kind == "object":
		o := map[string]any{}
		for _, name := range s.Required {
			if o[name] = words[name]; o[name] == nil {
				o[name] = d.sample(s.Properties[name], office)
			}
		}
		return o
	case kind == "array" && s.Items != nil:
		return []any{d.sample(*s.Items, office)}
	case kind == "integer":
		return 1
	case kind == "boolean":
		return true
	}
	return office
}

// ask returns a body that fits an operation's schema.
func (d document) ask(t testing.TB, path, office string) string {
	var op struct {
		RequestBody struct {
			Content map[string]struct{ Schema schema }
		}
	}
	require.NoError(t, json.Unmarshal(d.Paths[path]["post"], &op))
	o, ok := d.sample(op.RequestBody.Content["application/json"].Schema, office).(map[string]any)
	require.True(t, ok, path)
	maps.Copy(o, wordsOf[path[strings.LastIndex(path, "/")+1:]])
	return encode(t, o)
}
