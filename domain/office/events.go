package office

import (
	"slices"
	"strings"

	"duban/domain"
	"duban/domain/name"
)

// Registered (登记处室): the office exists in the ledger under its name and aliases.
type Registered struct {
	domain.Particulars
	Name    string   `json:"name" doc:"名称"`
	Type    Type     `json:"type" doc:"office 处室, center 中心, city_bureau 市局, external 外单位"`
	Aliases []string `json:"aliases,omitempty" doc:"别名、简称"`
}

// EventType names the event.
func (*Registered) EventType() string { return "duban.office.registered.v1" }

// Validate checks the payload by itself.
func (r *Registered) Validate() error {
	if err := checkName("name", r.Name); err != nil {
		return err
	}
	if r.Type == 0 {
		return domain.Invalid("office.registered.type", "type", "缺少类型 type", "the type is missing")
	}
	seen := []string{r.Name}
	for _, a := range r.Aliases {
		if err := checkName("aliases", a); err != nil {
			return err
		}
		if slices.ContainsFunc(seen, func(n string) bool { return same(n, a) }) {
			return domain.Invalid("office.registered.alias", "aliases",
				"别名“"+a+"”与名称或其他别名相同", "the alias "+a+" is the name or another alias again")
		}
		seen = append(seen, a)
	}
	return nil
}

// Names returns every name the registration claims.
func (r *Registered) Names() []string { return append([]string{r.Name}, r.Aliases...) }

// Renamed (更名). Records made before read as they were written.
type Renamed struct {
	domain.Particulars
	Name        string `json:"name" doc:"新名称"`
	KeepAsAlias bool   `json:"keep_as_alias,omitempty" doc:"原名称保留为别名；否则释放"`
}

// EventType names the event.
func (*Renamed) EventType() string { return "duban.office.renamed.v1" }

// Validate checks the payload by itself.
func (r *Renamed) Validate() error { return checkName("name", r.Name) }

// checkName refuses what can't be an office's name. Words for many (各市, 各有关部门)
// stay in the clause as printed and are never registered.
func checkName(field, n string) error {
	if err := domain.CheckText(field, n, true); err != nil {
		return err
	}
	if len(n) > maxName || strings.ContainsFunc(n, func(r rune) bool { return r < ' ' }) {
		return domain.Invalid("office.name.text", field,
			"处室名称应为一行文字，不超过 200 字节", "an office's name is one line of at most 200 bytes")
	}
	if IsGroup(n) {
		return domain.Invalid("office.name.group", field,
			"“"+n+"”是泛称，不登记为处室；请登记具体单位", n+" stands for many and is never registered: register the offices meant")
	}
	return nil
}

const maxName = 200 // bytes

// IsGroup reports whether a printed name stands for many offices.
func IsGroup(n string) bool {
	n = name.Normalise(name.KindOfficeName, n)
	return strings.HasPrefix(n, "各") ||
		slices.Contains([]string{"有关部门", "相关部门", "有关单位", "相关单位", "有关处室", "相关处室"}, n)
}

func same(a, b string) bool {
	return name.Normalise(name.KindOfficeName, a) == name.Normalise(name.KindOfficeName, b)
}

// Payloads returns a prototype of every event of an office.
func Payloads() []domain.Payload {
	return []domain.Payload{&Registered{}, &Renamed{}, &Merged{}, &Split{}, &HandedOver{}, &Corrected{}}
}
