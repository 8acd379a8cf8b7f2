package main

import (
	"errors"

	"github.com/spf13/pflag"

	"duban/api"
)

// maxConnections is how many connections are open at once by default.
const maxConnections = 4096

// limitFlags are how much the server takes on at once. The defaults are stated in
// the README.
func (cfg *serveConfig) limitFlags(f *pflag.FlagSet) {
	d := api.DefaultLimits()
	f.IntVar(&cfg.Limits.Reads, "max-reads", d.Reads, "同时处理的读取数；再来的排队，排满或超时得到 503 / reads in work at once; as many more wait, the rest gets 503")
	f.IntVar(&cfg.Limits.Writes, "max-writes", d.Writes, "同时处理的办理（写入）数，排队同上 / writes in work at once")
	f.IntVar(&cfg.Limits.Files, "max-files", d.Files, "同时上传、下载的证据数，排队同上 / evidence files in transfer at once")
	f.IntVar(&cfg.Limits.Bulk, "max-bulk", d.Bulk, "同时进行的整表导出、导入、卷宗、全部事件、检查数，排队同上 / exports, imports, dossiers and checks in work at once")
	f.IntVar(&cfg.Limits.Streams, "max-streams", d.Streams, "同时打开的事件流（SSE）数，不排队 / open event streams, none wait")
	f.DurationVar(&cfg.Limits.Wait, "max-wait", d.Wait, "排队的最长时间 / longest wait for a place")
	f.IntVar(&cfg.Connections, "max-connections", maxConnections, "同时打开的连接数 / open connections")
}

func (cfg *serveConfig) checkLimits() error {
	l := cfg.Limits
	if min(l.Reads, l.Writes, l.Files, l.Bulk, l.Streams, cfg.Connections) < 1 || l.Wait <= 0 {
		return usageError{errors.New("--max-… 各项至少为 1，--max-wait 须大于 0 / every --max-… is at least 1, --max-wait above 0")}
	}
	return nil
}
