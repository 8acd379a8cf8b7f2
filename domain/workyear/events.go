package workyear

import (
	"fmt"
	"slices"
	"time"

	"duban/domain"
	"duban/domain/calendar"
)

// YearPublished (发布工作日历): the days off and the weekend days worked of one
// year. It takes the place of what was published for the year before.
type YearPublished struct {
	domain.Particulars
	Year   int             `json:"year" doc:"年份"`
	Off    []calendar.Date `json:"off" doc:"放假的日期；其中的周末可以不列"`
	Worked []calendar.Date `json:"worked,omitempty" doc:"上班的周六、周日"`
	Source string          `json:"source" doc:"来源文件，如 国办发明电〔2019〕16号"`
}

// EventType names the event.
func (*YearPublished) EventType() string { return "duban.calendar.year_published.v1" }

// Payloads returns a prototype of every event of a year's calendar.
func Payloads() []domain.Payload { return []domain.Payload{&YearPublished{}} }

func (p *YearPublished) calendar() calendar.Year {
	return calendar.Year{Year: p.Year, Off: p.Off, Worked: p.Worked}
}

// The years that may be published: those of dates.
const (
	minYear = 1949
	maxYear = 2199
)

// Validate checks the payload by itself.
func (p *YearPublished) Validate() error {
	if p.Year < minYear || p.Year > maxYear {
		return domain.Invalid("calendar.year_published.year", "year",
			fmt.Sprintf("年份应在 %d 至 %d 之间", minYear, maxYear), fmt.Sprintf("the year is between %d and %d", minYear, maxYear))
	}
	if len(p.Off) == 0 {
		return domain.Invalid("field.required", "off", "缺少放假日期 off", "the days off are missing")
	}
	seen := map[calendar.Date]bool{}
	for _, list := range []struct {
		field string
		days  []calendar.Date
	}{{"off", p.Off}, {"worked", p.Worked}} {
		for _, d := range list.days {
			if d.Year() != p.Year {
				return domain.Invalid("calendar.year_published.outside", list.field,
					fmt.Sprintf("%s 不在 %d 年；跨年的假期分别发布", d, p.Year), fmt.Sprintf("%s is not in %d: publish a holiday over the year's end in both years", d, p.Year))
			}
			if seen[d] {
				return domain.Invalid("calendar.year_published.twice", list.field, string(d)+" 列了两次", string(d)+" is listed twice")
			}
			seen[d] = true
		}
	}
	weekday := func(d calendar.Date) bool {
		wd := d.Start().Weekday()
		return wd != time.Saturday && wd != time.Sunday
	}
	if i := slices.IndexFunc(p.Worked, weekday); i >= 0 {
		return domain.Invalid("calendar.year_published.worked", "worked",
			string(p.Worked[i])+" 不是周末，本来就上班", string(p.Worked[i])+" is no weekend day and worked anyway")
	}
	return domain.CheckText("source", p.Source, true)
}
