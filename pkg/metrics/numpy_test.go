package metrics

import (
	"fmt"
	"math"
	"testing"
)

// TestStatsAreNumPys: to the last bit, at every size at which the sum is made
// otherwise. The table is NumPy 2.4.6's: mean, std, median, and the percentiles.
func TestStatsAreNumPys(t *testing.T) {
	percentiles := []float64{1, 50, 90, 99.9, 0, 100}
	for n, want := range map[int][]float64{
		1: {
			0x1.b15dbeb10ff40p-2, 0, 0x1.b15dbeb10ff40p-2,
			0x1.b15dbeb10ff40p-2, 0x1.b15dbeb10ff40p-2, 0x1.b15dbeb10ff40p-2,
			0x1.b15dbeb10ff40p-2, 0x1.b15dbeb10ff40p-2, 0x1.b15dbeb10ff40p-2,
		},
		2: {
			0x1.dd7fecbf948e3p-2, 0x1.6111707424d18p-5, 0x1.dd7fecbf948e3p-2,
			0x1.b23fb55f6ec3ep-2, 0x1.dd7fecbf948e3p-2, 0x1.00673bff3284cp-1,
			0x1.04c5c11187d6ap-1, 0x1.b15dbeb10ff40p-2, 0x1.04d10d670c943p-1,
		},
		7: {
			0x1.16f287e1dd5e2p-1, 0x1.09bce6a05f288p-3, 0x1.04d10d670c943p-1,
			0x1.8a87ecc6007b2p-2, 0x1.04d10d670c943p-1, 0x1.6a156daebab76p-1,
			0x1.96d1409d55971p-1, 0x1.880d5734464d4p-2, 0x1.9744ed6971035p-1,
		},
		8: {
			0x1.f08816c1fdc89p-2, 0x1.98ed7c689ecaap-3, 0x1.028a089a687a8p-1,
			0x1.66f99e0f2f49ap-4, 0x1.028a089a687a8p-1, 0x1.628d830f9c555p-1,
			0x1.96bdf925fbafbp-1, 0x1.0bf51ed74c7a0p-4, 0x1.9744ed6971035p-1,
		},
		9: {
			0x1.0c73a8da564a4p-1, 0x1.c01af5e01d02dp-3, 0x1.04d10d670c943p-1,
			0x1.73fa4284e1f9ap-4, 0x1.04d10d670c943p-1, 0x1.9bcda8755de7ep-1,
			0x1.adc226c34fae5p-1, 0x1.0bf51ed74c7a0p-4, 0x1.adf094a5117a0p-1,
		},
		127: {
			0x1.fa95a08d4887ap-2, 0x1.1b0af7edbfabfp-2, 0x1.0a4fd38afd3b5p-1,
			0x1.d50ba983c3706p-7, 0x1.0a4fd38afd3b5p-1, 0x1.c23bc264af527p-1,
			0x1.fbf414542174dp-1, 0x1.d45f0a6f1c800p-9, 0x1.fc57f929c28a3p-1,
		},
		128: {
			0x1.fdec2661b3f56p-2, 0x1.1c6ef9c9b351cp-2, 0x1.0d3fa32be5a89p-1,
			0x1.d66a380b46fbdp-7, 0x1.0d3fa32be5a89p-1, 0x1.c8b6b813fbce7p-1,
			0x1.fbf3495ea02d9p-1, 0x1.d45f0a6f1c800p-9, 0x1.fc57f929c28a3p-1,
		},
		129: {
			0x1.fb3a7e8902604p-2, 0x1.1cf6aaa0a2f3dp-2, 0x1.0a4fd38afd3b5p-1,
			0x1.d7c8c692ca873p-7, 0x1.0a4fd38afd3b5p-1, 0x1.c80344e3bbdc1p-1,
			0x1.fbf27e691ee65p-1, 0x1.d45f0a6f1c800p-9, 0x1.fc57f929c28a3p-1,
		},
		136: {
			0x1.01a91f209d02dp-1, 0x1.1a6c4391da7a6p-2, 0x1.133e230252914p-1,
			0x1.e15eac4763570p-7, 0x1.133e230252914p-1, 0x1.c2f68714716dep-1,
			0x1.fbecf1b295f35p-1, 0x1.d45f0a6f1c800p-9, 0x1.fc57f929c28a3p-1,
		},
		1000: {
			0x1.04117cf1060fap-1, 0x1.285947e899c52p-2, 0x1.028fc47dd27e2p-1,
			0x1.1622f3043dbf3p-7, 0x1.028fc47dd27e2p-1, 0x1.cf304bf890225p-1,
			0x1.fec9a21735f0ap-1, 0x1.949b5c13fd400p-11, 0x1.fee912c1ff68dp-1,
		},
		4099: {
			0x1.00d6600d71273p-1, 0x1.26e08c5e66a65p-2, 0x1.022bb6689285ap-1,
			0x1.39a9f7f042080p-7, 0x1.022bb6689285ap-1, 0x1.ce602f6d8ec1fp-1,
			0x1.ff98411ba2f68p-1, 0x1.d68e7d8b54000p-15, 0x1.fffc9f04ee71ep-1,
		},
	} {
		x := make([]float64, n)
		state := uint64(1)
		for i := range x {
			state = state*6364136223846793005 + 1442695040888963407
			x[i] = float64(state>>11) / (1 << 53)
		}
		s := StatsOf(x, percentiles)
		got := append([]float64{s.Mean, s.Std, s.Median}, s.Percentiles...)
		if fmt.Sprintf("%x", got) != fmt.Sprintf("%x", want) {
			t.Errorf("%d values:\n%x, want\n%x", n, got, want)
		}
		if s.Min != want[7] || s.Max != want[8] {
			t.Errorf("%d values: %v to %v", n, s.Min, s.Max)
		}
	}
}

// TestBlocksAreNumPys: above 128 values NumPy sums halves, which 256 reciprocals show in the
// last bit. The values are NumPy 2.5.5's.
func TestBlocksAreNumPys(t *testing.T) {
	x := make([]float64, 256)
	for i := range x {
		x[i] = 1 / float64(i+1)
	}
	if mean, std := Mean(x), Std(x); mean != 0x1.87f544932e3e6p-6 || std != 0x1.38f62a4de0336p-4 {
		t.Errorf("mean %x, std %x", mean, std)
	}
}

// As in NumPy, one NaN makes every statistic NaN.
func TestNaN(t *testing.T) {
	s := StatsOf([]float64{1, math.NaN(), 2}, []float64{99})
	for name, v := range map[string]float64{"mean": s.Mean, "median": s.Median, "std": s.Std, "min": s.Min, "max": s.Max, "p99": s.Percentiles[0]} {
		if !math.IsNaN(v) {
			t.Errorf("%s: %v", name, v)
		}
	}
}
