package timesync

import (
	"context"
	"errors"
	"testing"
	"time"

	"loadgen/internal/ranks"
)

// answers is a host whose commands print these texts.
func answers(texts map[string]string) Run {
	return func(_ context.Context, name string, _ ...string) ([]byte, error) {
		if text, ok := texts[name]; ok {
			return []byte(text), nil
		}
		return nil, errors.New("not installed")
	}
}

const (
	tracking = "0A000001,10.0.0.1,3,1764460800.123456789,-0.000012000,0.000001234,0.000012345,-12.345,0.001,0.123,0.000400000,0.000100000,64.2,Normal\n"
	dataSet  = "sending: GET CURRENT_DATA_SET\n\t001122.fffe.334455-1 seq 0 RESPONSE MANAGEMENT CURRENT_DATA_SET\n\t\tstepsRemoved     1\n\t\toffsetFromMaster -250.0\n\t\tmeanPathDelay    750.0\n"
)

func TestAsk(t *testing.T) {
	chrony := ranks.Clock{Source: "chrony", Uncertainty: 312 * time.Microsecond}
	ptp := ranks.Clock{Source: "ptp", Uncertainty: time.Microsecond}
	for name, c := range map[string]struct {
		texts map[string]string
		want  ranks.Clock
	}{
		"chrony before ptp": {map[string]string{"chronyc": tracking, "pmc": dataSet}, chrony},
		"ptp alone":         {map[string]string{"pmc": dataSet}, ptp},
		"not synchronised":  {map[string]string{"chronyc": "7F7F0101,,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised\n", "pmc": dataSet}, ptp},
		"its own clock":     {map[string]string{"chronyc": "7F7F0101,,8,1796013397.111656905,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,0.000000000,0.000000000,0.0,Normal\n"}, ranks.Clock{}},
		"nothing":           {nil, ranks.Clock{}},
		"other texts":       {map[string]string{"chronyc": "506 Cannot talk to daemon\n", "pmc": "sending: GET CURRENT_DATA_SET\n"}, ranks.Clock{}},
		"no numbers":        {map[string]string{"chronyc": "a,b,c,d,NaN,f,g,h,i,j,k,l,m,Normal\n"}, ranks.Clock{}},
	} {
		got := Ask(t.Context(), answers(c.texts))
		if got.Source != c.want.Source || (got.Uncertainty-c.want.Uncertainty).Abs() > time.Nanosecond || got.Offset != 0 {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
