package bench

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"loadgen/internal/load"
	"loadgen/internal/recording"
	"loadgen/internal/yamlcheck"
)

// stage is a stage as a file has it.
type stage struct {
	At          *span    `yaml:"at"`       // when it begins
	Duration    *span    `yaml:"duration"` // how long it lasts, its ramp included
	Rate        *float64 `yaml:"rate"`
	Concurrency *int     `yaml:"concurrency"`
	Ramp        *span    `yaml:"ramp"`   // how long it takes to come from the load before
	Settle      *span    `yaml:"settle"` // what is left out after the ramp

	line int
}

// span is a time in seconds, or Go's: 90, 90s, 1m30s.
type span time.Duration

func (d *span) UnmarshalYAML(node *yaml.Node) error {
	v, err := time.ParseDuration(node.Value)
	if seconds, bad := strconv.ParseFloat(node.Value, 64); bad == nil && seconds < 1e9 {
		v, err = recording.Seconds(seconds), nil
	}
	if err != nil || node.Kind != yaml.ScalarNode || v < 0 {
		return fmt.Errorf("line %d: %q is not a time: expected seconds, or 90s, 1m30s", node.Line, node.Value)
	}
	*d = span(v)
	return nil
}

// UnmarshalYAML keeps the line, for messages.
func (g *stage) UnmarshalYAML(node *yaml.Node) error {
	type plain stage
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: a stage is rate or concurrency with a duration: {concurrency: 16, duration: 60s}", node.Line)
	}
	for i := 0; i < len(node.Content); i += 2 {
		switch key, value := node.Content[i].Value, node.Content[i+1]; key {
		case "at", "duration", "ramp", "settle":
		case "rate":
			if tag := value.ShortTag(); tag != "!!int" && tag != "!!float" {
				return fmt.Errorf("line %d: rate: expected requests per second, a number", value.Line)
			}
		case "concurrency":
			if value.ShortTag() != "!!int" { // the decoder would cut a fraction
				return fmt.Errorf("line %d: concurrency: expected requests at a time, a whole number", value.Line)
			}
		default:
			return fmt.Errorf("line %d: a stage has no %q: there are rate, concurrency, duration, at, ramp and settle", node.Content[i].Line, key)
		}
	}
	g.line = node.Line
	return node.Decode((*plain)(g))
}

// readStages reads a file of stages: a YAML or JSON list. settled is how much of each stage is
// left out after its ramp.
func readStages(path string) (stages []load.Stage, settled []time.Duration, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the stages: %w", err)
	}
	if err := yamlcheck.Tables(text); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	var document yaml.Node
	var all []stage
	err = yaml.Unmarshal(text, &document)
	if err == nil && len(document.Content) > 0 && document.Content[0].Kind == yaml.SequenceNode {
		err = document.Decode(&all)
	}
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%s: %s", path, strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:\n  ", ""))
	case len(all) == 0:
		return nil, nil, fmt.Errorf("%s has no stages: expected a list such as [{concurrency: 16, duration: 60s}]", path)
	case len(all) > stagesMost:
		return nil, nil, fmt.Errorf("%s has %d stages, and at most %d are run", path, len(all), stagesMost)
	}
	at := time.Duration(0)
	for i := range all {
		var next *stage
		if i+1 < len(all) {
			next = &all[i+1]
		}
		g, err := all[i].read(at, &all[0], next)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: stage %d (line %d): %w", path, i+1, all[i].line, err)
		}
		stages, settled = append(stages, g), append(settled, all[i].Settle.time())
		at += g.Length
	}
	return stages, settled, nil
}

// stagesMost bounds the stages of a run.
const stagesMost = 1000

func (d *span) time() time.Duration {
	if d == nil {
		return 0
	}
	return time.Duration(*d)
}

// read reads a stage that begins at an instant, of a file whose first stage says whether the
// stages are rates or concurrencies.
func (g *stage) read(at time.Duration, first, next *stage) (out load.Stage, err error) {
	switch {
	case g.Rate != nil && g.Concurrency != nil:
		return out, errors.New("it has a rate and a concurrency; leave one out")
	case g.Rate == nil && g.Concurrency == nil:
		return out, errors.New("it has neither a rate nor a concurrency")
	case (g.Rate == nil) != (first.Rate == nil):
		return out, errors.New("the stages of a run are either all rates or all concurrencies; make two files of them")
	case g.Rate != nil && !(*g.Rate > 0 && *g.Rate <= rateMost):
		return out, fmt.Errorf("a rate of %v requests per second is out of range (above 0, at most %.0f)", *g.Rate, rateMost)
	case g.Concurrency != nil && (*g.Concurrency < 1 || *g.Concurrency > slotsMost):
		return out, fmt.Errorf("a concurrency of %d is out of range (1 to %d)", *g.Concurrency, slotsMost)
	case g.At != nil && g.At.time() < at:
		return out, fmt.Errorf("it is out of order: it begins at %v, and the stages before it last until %v", g.At.time(), at)
	case g.At != nil && g.At.time() > at && at == 0:
		return out, fmt.Errorf("it begins at %v, and nothing is said of the time before", g.At.time())
	case g.At != nil && g.At.time() > at:
		return out, fmt.Errorf("it begins at %v, and the stages before it last until %v only: nothing is said of the time between", g.At.time(), at)
	}
	length := g.Duration.time()
	if g.Duration == nil && next != nil && next.At != nil {
		if length = next.At.time() - at; length < 0 {
			return out, fmt.Errorf("stages are out of order: it begins at %v, and the next at %v", at, next.At.time())
		}
	} else if g.Duration == nil {
		return out, errors.New("it has no duration")
	}
	ramp, settle := g.Ramp.time(), g.Settle.time()
	switch {
	case length == 0:
		return out, errors.New("its length is zero; give it a duration")
	case ramp > length:
		return out, fmt.Errorf("its ramp of %v never ends: the stage lasts %v", ramp, length)
	case ramp+settle >= length && settle > 0:
		return out, fmt.Errorf("nothing of it is measured: it lasts %v, of which %v are left out", length, ramp+settle)
	}
	out = load.Stage{Ramp: ramp, Length: length}
	if g.Rate != nil {
		out.Rate = *g.Rate
	} else {
		out.Concurrency = *g.Concurrency
	}
	return out, nil
}

// What a run can have at the most: a slip gets a message, not a crash.
const (
	rateMost  = 1e6
	slotsMost = 1 << 20
)
