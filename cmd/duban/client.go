package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"duban/api"
)

// client talks to a running server.
type client struct {
	base  string
	token string
	http  *http.Client
}

// Files in the data folder for clients on the same machine: the operator's token,
// left by the first start, and the address of the running server, so that any
// port, also one the system chose (--listen 127.0.0.1:0), is found by --data.
const (
	tokenFile   = "operator.token"
	addressFile = "server.address"
)

const defaultServer = "http://127.0.0.1:8080"

// address returns the server to talk to: the one named, else the one that serves
// the data folder, else the default.
func (a *app) address() (string, error) {
	if a.server != "" {
		return a.server, nil
	}
	b, err := os.ReadFile(filepath.Join(a.data, addressFile))
	if errors.Is(err, fs.ErrNotExist) {
		return defaultServer, nil
	}
	if err != nil {
		return "", fmt.Errorf("read the server's address: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

func (a *app) client() (*client, error) {
	token := a.token
	if token == "" {
		b, err := os.ReadFile(filepath.Join(a.data, tokenFile))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read the operator's token: %w", err)
		}
		token = strings.TrimSpace(string(b))
	}
	if token == "" {
		return nil, usageError{errors.New("缺少令牌：用 --token、DUBAN_TOKEN 或 --data 指明 / no token: give --token, DUBAN_TOKEN or --data")}
	}
	server, err := a.address()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return nil, usageError{fmt.Errorf("服务器地址 %q 不对，应如 %s / %q is no server address", server, defaultServer, server)}
	}
	return &client{base: strings.TrimSuffix(server, "/") + "/api/v1/", token: token, http: &http.Client{}}, nil
}

// request is one call of the API.
type request struct {
	method, path string
	query        url.Values
	body         io.Reader
	media        string // of the body
	header       map[string]string
}

// do sends a request and returns the answer's body, or the server's problem as
// an error.
func (c *client) do(ctx context.Context, r request) ([]byte, error) {
	resp, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return nil, refusal(resp)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return b, nil
}

// refusal reads the server's problem.
func refusal(resp *http.Response) error {
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	var p api.Problem
	if json.Unmarshal(b, &p) != nil || p.Status == 0 {
		return fmt.Errorf("服务器回答 %s / the server answered %s", resp.Status, resp.Status)
	}
	return problemError{p}
}

func (c *client) send(ctx context.Context, r request) (*http.Response, error) {
	u := c.base + r.path
	if len(r.query) > 0 {
		u += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u, r.body)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if r.media != "" {
		req.Header.Set("Content-Type", r.media)
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("连接服务器失败，先运行 duban serve / can't reach the server, start duban serve first: %w", err)
	}
	return resp, nil
}

func (c *client) get(ctx context.Context, path string, query url.Values, into any) error {
	b, err := c.do(ctx, request{method: http.MethodGet, path: path, query: query})
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// building asks what /readyz, which stands beside the API, says of buildings.
func (c *client) building(ctx context.Context) (api.BuildsView, error) {
	var ready struct {
		Building api.BuildsView `json:"building"`
	}
	// A server that is not ready says so with a status of its own, and the same body.
	beside := client{base: strings.TrimSuffix(c.base, "api/v1/"), token: c.token, http: c.http}
	resp, err := beside.send(ctx, request{method: http.MethodGet, path: "readyz"})
	if err != nil {
		return ready.Building, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&ready); err != nil {
		return ready.Building, fmt.Errorf("read the answer: %w", err)
	}
	return ready.Building, nil
}

// problemError is the server's refusal, for people.
type problemError struct{ p api.Problem }

func (e problemError) Error() string {
	s := e.p.Detail
	if e.p.Rule != "" {
		s += " [" + e.p.Rule + "]"
	}
	if len(e.p.Allowed) > 0 {
		s += "\n现在可以 / allowed now: " + commandWords(e.p.Allowed)
	}
	return s
}

// printJSON writes v as JSON, as the server does: no HTML escapes.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// printRaw writes an answer's JSON, indented, as it came.
func (a *app) printRaw(b []byte) error {
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return fmt.Errorf("the answer is not JSON: %w", err)
	}
	out.WriteByte('\n')
	_, err := out.WriteTo(a.out)
	return err
}

func localTime(t time.Time) string { return t.In(zone).Format("2006-01-02 15:04") }
