"""make_deepseek.py: what the Python encodings of DeepSeek V3.2 and V4 make of chats. The first
stands in the PyPI wheel sglang 0.5.23 (sglang/srt/entrypoints/openai/encoding_dsv32.py), the second
in the model's repository (encoding/encoding_dsv4.py); the argument is a folder with both."""
import sys, json, gzip, io, os
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0,sys.argv[1])
import encoding_dsv32, encoding_dsv4
src=json.load(gzip.open(HERE + "/vectors.json.gz"))
chats=src["chats"]
extra=[
 {"messages":[{"role":"system","content":"S","response_format":{"type":"json"}},{"role":"user","content":"u"}]},
 {"messages":[{"role":"developer","content":"D"},{"role":"assistant","content":"a","reasoning_content":"r"},{"role":"user","content":"v"}]},
 {"messages":[{"role":"user","content":"u"},{"role":"assistant","content":"","reasoning_content":"why","tool_calls":[{"function":{"name":"f","arguments":"{\"a\": 1, \"b\": \"x\"}"}},{"function":{"name":"g","arguments":{"c":[1,"é"]}}}]},{"role":"tool","content":"1"},{"role":"tool","content":"2"}]},
 {"messages":[{"role":"tool","content":"2"}]},{"messages":[{"role":"x","content":"2"}]},
 {"messages":[{"role":"user","content":"u"},{"role":"assistant","content":"a"}]},
]
def call(i, name, arguments): return {"id":i,"type":"function","function":{"name":name,"arguments":arguments}}
for_v4=[
 {"messages":[{"role":"user","content":"u"},{"role":"assistant","content":None,"reasoning_content":"r","tool_calls":[call("1","f","{\"a\": 1.50, \"b\": \"x\"}"),call("2","g","not json"),call("3","h","{}")]},
  {"role":"tool","tool_call_id":"2","content":"two"},{"role":"tool","tool_call_id":"1","content":[{"type":"text","text":"one"},{"type":"image_url"}]},{"role":"user","content":"and"},{"role":"tool","tool_call_id":"3","content":"3"}]},
 {"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"},{"role":"assistant","content":"c","reasoning_content":"r"},{"role":"user","content":"d"}]},
 {"messages":[{"role":"system","content":"S"},{"role":"user","content":"a"},{"role":"assistant","content":"c","reasoning_content":"r"},{"role":"user","content":"d"}],"tools":[{"type":"function","function":{"name":"f","description":"é","parameters":{"type":"object"}}}]},
 {"messages":[{"role":"developer","content":"D","response_format":{"type":"json"}},{"role":"user","content":"a"},{"role":"latest_reminder","content":"R"},{"role":"assistant","content":"c","wo_eos":True}]},
 {"messages":[{"role":"developer","content":"D"}],"tools":[{"function":{"name":"f"}}]},
 {"messages":[{"role":"user","content":"x"},{"role":"latest_reminder","content":"R"},{"role":"user","content":"y"}]},
]+[{"messages":[{"role":"user","content":"q","task":t},{"role":"assistant","content":"A","reasoning_content":"r"},{"role":"user","content":"z","task":t}]} for t in ("action","query","nothing")]
for name, E, heads, more in (("deepseek_v32", encoding_dsv32, ("system",), []), ("deepseek_v4", encoding_dsv4, ("system","developer"), for_v4)):
    out=[]
    for c in chats+extra+more:
        if any(isinstance(m["content"],list) and m["role"]!="tool" for m in c["messages"]) or name=="deepseek_v32" and any(isinstance(m["content"],list) for m in c["messages"]): continue
        for th in ("chat","thinking") + ("max",)*(name=="deepseek_v4"):
            ms=json.loads(json.dumps(c["messages"]))
            if name=="deepseek_v4" and any(isinstance(t["function"]["arguments"],dict) for m in ms for t in m.get("tool_calls") or []): continue # servers differ
            if c.get("tools"):
                if ms[0]["role"] not in heads: ms.insert(0,{"role":"system","content":""})
                ms[0]["tools"]=c["tools"]
            try: r=E.encode_messages(ms,"thinking",reasoning_effort="max") if th=="max" else E.encode_messages(ms,th)
            except Exception as e: r=None
            out.append([c["messages"],c.get("tools"),th,r])
    print(name, len(out), sum(o[3] is None for o in out))
    raw=json.dumps(out).encode(); buf=io.BytesIO()
    with gzip.GzipFile(fileobj=buf,mode="wb",mtime=0) as z: z.write(raw)
    open(HERE + "/" + name + ".json.gz","wb").write(buf.getvalue())
