package stream

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzDecoder checks that no bytes panic and that the result does not depend on
// where the reads split them.
func FuzzDecoder(f *testing.F) {
	body := "data: " + event("é\n") + "\n\n: c\r\ndata:" + event("b") + "\r\r" + done
	for _, text := range frames(body) {
		f.Add([]byte(text), uint8(3), uint8(0))
		f.Add([]byte(text), uint8(9), uint8(3))
	}
	f.Add([]byte("HTTP/1.1 400 No\r\n\r\n{}"), uint8(1), uint8(2))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: gzip\r\n\r\n{}"), uint8(1), uint8(40))
	for _, lines := range []string{"event: error\n: lost\n\n", "error: lost\n", "data: {\"error\":{\"message\":\"lost\",\"code\":5}}\n\n", "data: {\"detail\":[1]}\n\n", "data: lost\nevent: error\n\n",
		`data: {"choices":[{"index":2,"text":"x","finish_reason":"abort"},{"index":0,"text":"y"}]}` + "\n\n", `data: {"choices":[{"delta":{"content":[{"text":"p"}],"reasoning":"r","tool_calls":[{"function":{"name":"f"}}]}}]}` + "\n\n",
		`data: {"id":"i","model":"m","choices":[{"text":"a","finish_reason":"stop","usage":{"completion_tokens":-1}}],"metrics":{},"x_groq":{"usage":{"completion_tokens":1e99}}}` + "\n\n"} {
		f.Add([]byte(sseHead+"data: "+event("a")+"\n\n"+lines+done), uint8(2), uint8(0))
		f.Add([]byte(sseHead+lines), uint8(200), uint8(17))
	}
	for _, k := range apis {
		f.Add([]byte(k.answer("stop", `,"error":"x"`, "")), uint8(5), uint8(k.api)|map[bool]uint8{true: 0, false: 2}[k.streaming])
	}
	f.Fuzz(func(t *testing.T, text []byte, n, how uint8) {
		o := Options{API: API(how & 1), Streaming: how&2 == 0, Mode: Mode(how >> 2 & 1), Raw: how&8 != 0, Reuse: how&16 != 0, Limits: Limits{Events: 100, Body: 1 << 16}}
		if how&40 == 40 {
			o.File = &File{Bodiless: how&64 != 0, Head: func(*Answer, []byte) bool { return true }, Body: func(p []byte) bool { return len(p) > 0 }}
		}
		whole, parts := feed(string(text), len(text)+1, o), feed(string(text), int(n)+1, o)
		pieces := fed(string(text), o, func(d *Decoder) int {
			if piece := d.Piece(Sizes{Head: int(how) * 3}); piece > 0 {
				return piece
			}
			return int(n) + 1
		})
		for _, a := range []*Answer{whole, parts, pieces} {
			a.FirstByte, a.LastByte, a.Reusable, a.Body = 0, 0, false, nil
			for i := range a.Events {
				a.Events[i].At, a.Events[i].Shared, a.Events[i].Uncertainty = 0, false, 0
			}
			if a.Err != nil { // the words may hold more or less of the bytes
				a.Err = &Error{Class: a.Err.Class}
			}
		}
		if whole.Err == nil || whole.Err.Class != BadHTTP {
			if diff := cmp.Diff(whole, parts); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(whole, pieces); diff != "" {
				t.Error("event by event:", diff)
			}
		}
	})
}

// FuzzJSON compares what the scanner takes for JSON with encoding/json, which
// knows no NaN and no infinities, and other limits of depth and digits.
func FuzzJSON(f *testing.F) {
	for _, text := range []string{`{"choices":[{"text":"a\u00e9\ud83d","x":[1,-2.5e+3,true,null]}],"usage":{"completion_tokens":"7"}}`,
		`[01]`, `{"a":1,}`, `"\x"`, `{"a" : [ ] , "b":{}}`, "\"\t\"", `-`, `1.e3`, ``} {
		f.Add([]byte(text))
	}
	r := newMessageReader(Options{Streaming: true})
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) || bytes.Contains(text, []byte("N")) || bytes.Contains(text, []byte("Infinity")) {
			return
		}
		err := r.read(text)
		if valid := json.Valid(text); valid != (err == nil) && err != errDeep && err != errDigits {
			t.Errorf("%q: %v, encoding/json says %v", text, err, valid)
		}
	})
}

// FuzzShape reads a line after another with the same reader, which may know its
// shape, and with a fresh one.
func FuzzShape(f *testing.F) {
	plain := `{"id":"a","choices":[{"index":0,"text":" b","finish_reason":null}],"usage":null}`
	chat := `{"choices":[{"delta":{"content":"c","role":"assistant"}}],"usage":{"completion_tokens":3}}`
	for _, second := range []string{plain, strings.Replace(plain, " b", "", 1), strings.Replace(plain, " b", "é☂", 1), strings.Replace(plain, " b", `\n`, 1), strings.Replace(plain, " b", `"`, 1),
		strings.Replace(plain, " b", `b","text":"c`, 1), strings.Replace(plain, "null}", `"stop"}`, 1), plain[:len(plain)-1], plain[:40], plain + " ", "", "null"} {
		f.Add([]byte(plain), []byte(second), false)
		f.Add([]byte(second), []byte(plain), false)
	}
	f.Add([]byte(chat), []byte(strings.Replace(chat, `"c"`, `"dd"`, 1)), true)
	thinking := `{"choices":[{"delta":{"content":"","reasoning_content":"c"}}]}`
	for _, second := range []string{strings.Replace(thinking, `"c"`, `"dd"`, 1), strings.Replace(thinking, `"c"`, `""`, 1), strings.Replace(thinking, `""`, `"c"`, 1), strings.Replace(thinking, `"content":""`, `"reasoning":"x"`, 1)} {
		f.Add([]byte(thinking), []byte(second), true)
		f.Add([]byte(second), []byte(thinking), true)
	}
	f.Add([]byte(`{"choices":[{"text":"a"}],"model":"x","id":"y"}`), []byte(`{"choices":[{"text":"b"}],"model":"x","id":"y"}`), false)
	f.Add([]byte(strings.Replace(chat, `"c"`, `"\n"`, 1)), []byte(chat), true)
	f.Add([]byte(`{"choices":[{"text":"aa"},{"text":"a"}]}`), []byte(`{"choices":[{"text":"b"},{"text":"a"}]}`), false)
	f.Add([]byte(`{"choices":[{"text":"a","text":"a"}]}`), []byte(`{"choices":[{"text":"a","text":"b"}]}`), false)
	f.Add([]byte(`{"choices":[{"text":"a"}],"choices":[{}]}`), []byte(`{"choices":[{"text":"b"}],"choices":[{}]}`), false)
	f.Add([]byte(`{"choices":[{"text":"a"}],"error":"x"}`), []byte(`{"choices":[{"text":"b"}],"error":"x"}`), false)
	f.Fuzz(func(t *testing.T, first, second []byte, chat bool) {
		api := Completions
		if chat {
			api = Chat
		}
		known := newMessageReader(Options{API: api, Streaming: true})
		for _, line := range [][]byte{first, second, first} {
			fresh := newMessageReader(Options{API: api, Streaming: true})
			gotErr, wantErr := known.read(line), fresh.readWhole(line)
			got, want := known.m, fresh.m
			if !got.fresh { // what is read of it then is that of the event before
				got.dialect = want.dialect
			}
			got.fresh, want.fresh = false, false
			if gotErr == nil && wantErr == nil && len(want.finish) == 0 {
				got.finish, want.finish = nil, nil
			}
			if gotErr != wantErr || gotErr == nil && !reflect.DeepEqual(got, want) {
				t.Fatalf("%q after %q: %+v %v, want %+v %v", line, first, got, gotErr, want, wantErr)
			}
		}
	})
}

// FuzzServerError: whatever a server says of a failure can be shown, and nothing that it
// says as a plain message is lost.
func FuzzServerError(f *testing.F) {
	for _, said := range []string{`{"error":{"message":"lost","code":5,"x":null}}`, `"lost"`, `lost`, `{"detail":[{"msg":"lost"}]}`, `{"message":"lost"`, ``, `{"error":{"error":{}}}`, "{\"message\":\"\xff\"}"} {
		f.Add([]byte(said))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		err := serverError(said)
		if err.Class != ErrorEvent || len(err.Message) > 2100 {
			t.Errorf("%q: %v", said, err)
		}
		var object struct{ Message *string }
		if len(said) < 1000 && json.Unmarshal(said, &object) == nil && object.Message != nil && *object.Message == "lost" && !strings.Contains(err.Message, "lost") {
			t.Errorf("%q: %v", said, err)
		}
	})
}
