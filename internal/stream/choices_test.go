package stream

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestFinishReasonOfEveryChoice: one that failed is enough.
func TestFinishReasonOfEveryChoice(t *testing.T) {
	for _, k := range apis {
		body := fmt.Sprintf(`{"choices":[%s,%s],"usage":%s}`, k.choice(0, "a", "stop", ""), k.choice(1, "b", "abort", ""), usage8)
		if k.streaming {
			body = "data: " + body + "\n\n" + done
		}
		a := feed(k.wrap(body), 7, k.options())
		if class(a) != FinishReason || len(a.Generated()) != 2 || string(a.Generated()[1].Text) != "b" {
			t.Errorf("%s: %v %+v", k.name, a.Err, a.Generated())
		}
	}
}

// TestChoices: the texts of several choices are kept apart, whatever their order, and
// together as the original has them.
func TestChoices(t *testing.T) {
	k := apis[1]
	var body strings.Builder
	for _, c := range []string{k.choice(0, "a", "", ""), k.choice(0, "b", "", ""), k.choice(1, "c", "", ""), k.choice(3, "e", "", ""), k.choice(0, "d", "stop", ""), k.choice(1, "f", "length", "") + "," + k.choice(3, "g", "stop", "")} {
		fmt.Fprintf(&body, "data: {\"choices\":[%s]}\n\n", c)
	}
	for _, n := range []int{1, 1 << 20} {
		a := feed(sseHead+body.String(), n, k.options())
		var got []string
		for _, c := range a.Generated() {
			got = append(got, fmt.Sprintf("%d %s %s %v", c.Index, c.Text, c.FinishReason, c.Events))
		}
		if want := []string{"0 abd stop [0 1 4]", "1 cf length [2 5]", "3 eg stop [3 5]"}; !slices.Equal(got, want) || string(a.Text) != "abcedf" || a.Err != nil {
			t.Errorf("%v, %q, %v", got, a.Text, a.Err)
		}
	}
	a := feed(sseHead+body.String()[:strings.LastIndex(body.String(), "data:")], 1<<20, k.options())
	if class(a) != NoEnd {
		t.Errorf("two of three choices without an end: %v", a.Err)
	}
}

// TestCountsOfChoices: what a server counts of each choice apart is summed up, and what it
// counts of all of them is not.
func TestCountsOfChoices(t *testing.T) {
	k := apis[0]
	e := func(index int, finish string, count int) string {
		usage := ""
		if count > 0 {
			usage = fmt.Sprintf(`,"usage":{"completion_tokens":%d}`, count)
		}
		return fmt.Sprintf("data: {\"choices\":[%s]%s}\n\n", k.choice(index, "a", finish, ""), usage)
	}
	alone := func(n int) string {
		return fmt.Sprintf("data: {\"choices\":[],\"usage\":{\"completion_tokens\":%d}}\n\n", n)
	}
	for name, c := range map[string]struct {
		events string
		want   int
	}{
		"one for all":           {e(0, "", 0) + e(1, "", 0) + e(0, "stop", 0) + e(1, "stop", 0) + alone(4), 4},
		"alone, in turns":       {e(1, "", 0) + e(0, "", 0) + e(1, "stop", 0) + alone(2) + e(0, "stop", 0) + alone(2), 4},
		"alone, one by one":     {e(0, "", 0) + e(0, "stop", 0) + alone(2) + e(1, "", 0) + e(1, "", 0) + e(1, "stop", 0) + alone(3), 5},
		"beside the ends":       {e(0, "", 0) + e(1, "", 0) + e(1, "stop", 2) + e(0, "stop", 2), 4},
		"one by one":            {e(0, "", 0) + e(0, "stop", 2) + e(1, "", 0) + e(1, "", 0) + e(1, "stop", 3), 5},
		"continuous":            {e(0, "", 1) + e(1, "", 1) + e(0, "stop", 2) + e(1, "", 2) + e(1, "stop", 3), 5},
		"continuous and alone":  {e(0, "", 1) + e(1, "", 1) + e(0, "stop", 2) + e(1, "stop", 2) + alone(4), 4},
		"beside one of the two": {e(0, "", 0) + e(1, "stop", 0) + e(0, "stop", 3), 3},
		"beside both":           {e(0, "", 0) + "data: {\"choices\":[" + k.choice(0, "a", "stop", "") + "," + k.choice(1, "b", "stop", "") + "],\"usage\":{\"completion_tokens\":3}}\n\n", 3},
		"one choice":            {e(0, "", 1) + e(0, "stop", 2) + alone(2), 2},
	} {
		a := feed(sseHead+c.events+done, 1<<20, k.options())
		if a.Err != nil || a.SeenUsage.Completion != c.want {
			t.Errorf("%s: %d tokens, want %d; %v", name, a.SeenUsage.Completion, c.want, a.Err)
		}
	}
}

// TestReasoningAndTools: what a tokenizer has to count is kept.
func TestReasoningAndTools(t *testing.T) {
	deltas := []string{`{"role":"assistant"}`, `{"reasoning_content":"th"}`, `{"reasoning_content":"ink\n"}`, `{"reasoning":"!","reasoning_content":null}`, `{"content":"x","reasoning_content":""}`,
		`{"tool_calls":[{"index":0,"id":"c","function":{"name":"get","arguments":""}}]}`, `{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}}]}`}
	var body strings.Builder
	for _, d := range deltas {
		fmt.Fprintf(&body, "data: {\"id\":\"r1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":%s,\"disaggregated_params\":{\"ctx_request_id\":77}}]}\n\n", d)
	}
	body.WriteString(`data: {"id":"r2","choices":[],"metrics":{"queue":1},"usage":{"completion_tokens":9,"completion_tokens_details":{"reasoning_tokens":4}}}` + "\n\n")
	o := Options{API: Chat, Streaming: true, Model: "m"}
	for _, n := range []int{1, 1 << 20} {
		a := feed(sseHead+body.String()+done, n, o)
		c, d := a.Generated()[0], a.Details
		if string(c.Text) != "x" || string(c.Reasoning) != "think\n!" || string(c.ToolCalls) != `get{"a":1}` || a.Err != nil {
			t.Errorf("%q %q %q %v", c.Text, c.Reasoning, c.ToolCalls, a.Err)
		}
		if d.CtxRequestID != "77" || string(d.Metrics) != `{"queue":1}` || d.ReasoningTokens != 4 || a.ID != "r1" || a.Model != "m" {
			t.Errorf("%+v %q %q", d, a.ID, a.Model)
		}
		var kinds []Kind
		for _, e := range a.Events {
			kinds = append(kinds, e.Kind)
		}
		if want := []Kind{Role, Reasoning, Reasoning, Reasoning, Text, ToolCall, ToolCall, Usage}; !slices.Equal(kinds, want) {
			t.Errorf("%v", kinds)
		}
	}
}
