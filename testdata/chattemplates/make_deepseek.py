"""make_deepseek.py: what the Python encoding of DeepSeek V3.2 makes of chats; it stands in
the PyPI wheel sglang 0.5.23 (sglang/srt/entrypoints/openai/encoding_dsv32.py), whose folder is
the argument."""
import sys, json, gzip, io, os
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0,sys.argv[1])
import encoding_dsv32 as E
src=json.load(gzip.open(HERE + "/vectors.json.gz"))
chats=src["chats"]
extra=[
 {"messages":[{"role":"system","content":"S","response_format":{"type":"json"}},{"role":"user","content":"u"}]},
 {"messages":[{"role":"developer","content":"D"},{"role":"assistant","content":"a","reasoning_content":"r"},{"role":"user","content":"v"}]},
 {"messages":[{"role":"user","content":"u"},{"role":"assistant","content":"","reasoning_content":"why","tool_calls":[{"function":{"name":"f","arguments":"{\"a\": 1, \"b\": \"x\"}"}},{"function":{"name":"g","arguments":{"c":[1,"é"]}}}]},{"role":"tool","content":"1"},{"role":"tool","content":"2"}]},
 {"messages":[{"role":"tool","content":"2"}]},{"messages":[{"role":"x","content":"2"}]},
 {"messages":[{"role":"user","content":"u"},{"role":"assistant","content":"a"}]},
]
out=[]
for c in chats+extra:
    if any(isinstance(m["content"],list) for m in c["messages"]): continue
    for th in ("chat","thinking"):
        ms=json.loads(json.dumps(c["messages"]))
        if c.get("tools"):
            if ms[0]["role"]!="system": ms.insert(0,{"role":"system","content":""})
            ms[0]["tools"]=c["tools"]
        try: r=E.encode_messages(ms,th)
        except Exception as e: r=None
        out.append([c["messages"],c.get("tools"),th,r])
print(len(out), sum(o[3] is None for o in out))
raw=json.dumps(out).encode(); buf=io.BytesIO()
with gzip.GzipFile(fileobj=buf,mode="wb",mtime=0) as z: z.write(raw)
open(HERE + "/deepseek_v32.json.gz","wb").write(buf.getvalue())
