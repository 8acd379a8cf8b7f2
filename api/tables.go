package api

import (
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"duban/api/workbook"
	"duban/domain/calendar"
	"duban/projections"
)

// FormatParam says in which form a report is wanted.
type FormatParam struct {
	Format string `query:"format" enum:"json,csv,xlsx" default:"json" doc:"json 分页；csv、xlsx 为整张表，忽略 limit 和 cursor"`
}

// The forms of a report.
const (
	formatJSON = "json"
	formatCSV  = "csv"
	formatXLSX = "xlsx"

	mediaCSV  = "text/csv; charset=utf-8"
	mediaXLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

// jsonAnswer is a body of an operation that may answer in another form as well.
func jsonAnswer(v any) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "application/json")
		// The client may be gone; there is nobody left to tell.
		_ = huma.DefaultJSONFormat.Marshal(hc.BodyWriter(), v)
	}}
}

// download answers with a file. It is made whole on disk before the first byte is
// sent: what fails on the way is told as an error, no half table looks whole, and
// a slow client keeps no read transaction open.
func (s *Server) download(name, format string, write func(io.Writer) error) (*huma.StreamResponse, error) {
	f, err := os.CreateTemp("", "duban-*."+format)
	if err != nil {
		return nil, fmt.Errorf("spool %s: %w", name, err)
	}
	size := int64(0)
	if err = write(f); err == nil {
		size, err = f.Seek(0, io.SeekCurrent)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		discard(f)
		return nil, fmt.Errorf("spool %s: %w", name, err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer discard(f)
		media := mediaCSV
		if format == formatXLSX {
			media = mediaXLSX
		}
		hc.SetHeader("Content-Type", media)
		hc.SetHeader("Content-Length", strconv.FormatInt(size, 10))
		// RFC 6266: the name in Chinese for whoever understands it.
		hc.SetHeader("Content-Disposition", `attachment; filename="table.`+format+`"; filename*=UTF-8''`+url.PathEscape(name+"."+format))
		if _, err := io.Copy(hc.BodyWriter(), f); err != nil {
			s.Logger.WarnContext(hc.Context(), "table not sent whole", slog.String("name", name), slog.Any("error", err))
		}
	}}, nil
}

func discard(f *os.File) {
	f.Close()
	os.Remove(f.Name())
}

// writeTable writes a table in the form asked for. A workbook says as of when it
// is; the same question at the same sequence gives the same bytes.
func (s *Server) writeTable(w io.Writer, format string, as projections.Cutoff, sheet workbook.Sheet) error {
	if format == formatCSV {
		return workbook.WriteCSV(w, sheet)
	}
	note := fmt.Sprintf("截至 %s（账本序号 %d），亮灯日 %s", s.made(as).In(calendar.Zone).Format("2006-01-02 15:04"), as.Sequence, as.Today)
	if as.Sample || s.Sample {
		note += "　样例数据"
	}
	sheet.Notes = append([]string{note}, sheet.Notes...)
	return s.writeBook(w, sheet.Titles[0], as, sheet)
}

// writeBook writes a workbook as of a cut.
func (s *Server) writeBook(w io.Writer, title string, as projections.Cutoff, sheets ...workbook.Sheet) error {
	return workbook.Write(w, workbook.Book{Title: title, Creator: "督办 Duban", Created: s.made(as), Sheets: sheets})
}

// made returns when a table counts as made: when what it shows became known.
func (s *Server) made(as projections.Cutoff) time.Time {
	if as.KnownAt != nil {
		return *as.KnownAt
	}
	return s.Clock()
}

// rowsOf makes rows of what a query hands over.
func rowsOf[T any](all iter.Seq2[T, error], row func(T) workbook.Row) iter.Seq2[workbook.Row, error] {
	return func(yield func(workbook.Row, error) bool) {
		for item, err := range all {
			if err != nil {
				yield(workbook.Row{}, err)
				return
			}
			if !yield(row(item), nil) {
				return
			}
		}
	}
}

// describeTable documents what a report may come as.
func (s *Server) describeTable(path string, page any) {
	binary := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	s.api.OpenAPI().Paths[path].Get.Responses["200"] = &huma.Response{Description: http.StatusText(http.StatusOK), Content: map[string]*huma.MediaType{
		"application/json": {Schema: s.schema(page)}, "text/csv": {Schema: &huma.Schema{Type: huma.TypeString}}, mediaXLSX: {Schema: binary},
	}}
}
