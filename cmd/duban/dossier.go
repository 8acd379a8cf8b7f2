package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"duban/api"
)

// exportedDossier is what duban export answers with --json.
type exportedDossier struct {
	File     string `json:"file"`
	Bytes    int64  `json:"bytes"`
	SHA256   string `json:"sha256"`
	TreeSize uint64 `json:"tree_size"`
}

func (a *app) exportCommand() *cobra.Command {
	var year int
	var size uint64
	var out string
	cmd := &cobra.Command{
		Use: "export", Short: "一个年度的卷宗，可离线核验的 ZIP / the sealed record of a year, one ZIP anyone can verify offline", Args: exactArgs(0),
		Long: "导出作为事件入账。用 duban verify 核验。\nEvery export is recorded as an event. Verify it with duban verify.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if year == 0 {
				return usageError{errors.New("缺少 --year，例如 --year 2019 / --year is missing, for example --year 2019")}
			}
			if out == "" {
				return usageError{errors.New("缺少 -o 文件，例如 -o 卷宗.zip / -o FILE is missing, for example -o dossier.zip")}
			}
			made, err := a.exportDossier(cmd, year, size, out)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(made)
			}
			if out == stdout {
				return nil
			}
			_, err = fmt.Fprintf(a.out, "已写入 %s，%d 字节，树头 %d，SHA-256 %s\n核验 / verify: duban verify %s\n", made.File, made.Bytes, made.TreeSize, made.SHA256, made.File)
			return err
		},
	}
	f := cmd.Flags()
	f.IntVar(&year, "year", 0, "年度 / year")
	f.Uint64Var(&size, "at-size", 0, "所依据的树头的大小，缺省为最新的 / size of the head it rests on, by default the latest")
	f.StringVarP(&out, "output", "o", "", "写入的文件，- 为标准输出 / the file to write, - for the standard output")
	return cmd
}

func (a *app) exportDossier(cmd *cobra.Command, year int, size uint64, out string) (exportedDossier, error) {
	c, err := a.client()
	if err != nil {
		return exportedDossier{}, err
	}
	query := url.Values{}
	if size > 0 {
		query.Set("at_size", strconv.FormatUint(size, 10))
	}
	resp, err := c.send(cmd.Context(), request{method: http.MethodGet, path: "dossiers/" + strconv.Itoa(year), query: query})
	if err != nil {
		return exportedDossier{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return exportedDossier{}, refusal(resp)
	}
	made := exportedDossier{File: out}
	if made.TreeSize, err = strconv.ParseUint(resp.Header.Get(api.HeaderTreeSize), 10, 64); err != nil {
		return made, fmt.Errorf("the answer's %s: %w", api.HeaderTreeSize, err)
	}
	made.SHA256 = unquoted(resp.Header.Get("ETag"))
	if out == stdout {
		made.Bytes, err = io.Copy(a.out, resp.Body)
		return made, err
	}
	made.Bytes, err = saveWhole(out, resp.Body)
	return made, err
}

func unquoted(etag string) string {
	if s, err := strconv.Unquote(etag); err == nil {
		return s
	}
	return etag
}

// saveWhole writes a file that is there whole or not at all: half a dossier would be
// taken for a forged one.
func saveWhole(file string, from io.Reader) (n int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(file), ".duban-*") // mode 0600
	if err != nil {
		return 0, fmt.Errorf("写入 %s 失败 / write %s: %w", file, file, err)
	}
	defer os.Remove(f.Name()) // there is none any more if all went well
	n, err = io.Copy(f, from)
	if err = errors.Join(err, f.Close()); err != nil {
		return n, fmt.Errorf("写入 %s 失败 / write %s: %w", file, file, err)
	}
	return n, os.Rename(f.Name(), file)
}
