package projections

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"duban/domain/vocabulary"
	"duban/eventstore"
)

// largeDir names a data folder whose read model has caught up, as `duban bench
// --large --dir` leaves one. Files are written into it.
var largeDir = flag.String("large", "", "data folder with a large read model for BenchmarkKnownAt")

// still is a ledger that a read model has caught up with.
type still struct{ end uint64 }

func (s *still) Acked() uint64 { return s.end }

func (s *still) Follow(ctx context.Context, _ uint64, _ func([]eventstore.Record) error) error {
	<-ctx.Done()
	return ctx.Err()
}

// BenchmarkKnownAt times the first page of a cut that nobody asked for before.
func BenchmarkKnownAt(b *testing.B) {
	if *largeDir == "" {
		b.Skip("-large names no data folder")
	}
	source := &still{}
	m, err := Open(context.Background(), Config{Dir: filepath.Join(*largeDir, "readmodel"), Source: source, Org: testOrg, Types: vocabulary.Payloads()})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, m.Close()) })
	end := m.Position()
	source.end = end
	for _, back := range []uint64{5000, 7000, 50_000, end / 4, end / 2, end - 50_000} {
		b.Run(fmt.Sprintf("back=%d", back), func(b *testing.B) {
			for i := range b.N {
				m.views.close()
				m.views = newViews(m)
				runtime.GC()
				v, err := m.At(context.Background(), AsOf{Known: end - back - uint64(i)})
				require.NoError(b, err)
				page, err := v.Tasks(context.Background(), TaskQuery{Today: "2020-06-01", Limit: 50})
				require.NoError(b, err)
				require.NotEmpty(b, page.Items)
				v.Close()
			}
		})
	}
}
