#!/usr/bin/env python3
"""make_vectors.py: renders chat templates with transformers and writes
vectors.json.gz: templates (ours, in the manner of the families that are served,
and one for each feature of Jinja2), chats, and what each template makes of each.

    pip install transformers==4.57.6 jinja2==3.1.6; python make_vectors.py

The date is fixed. null stands for a template that raises an error.
"""
import datetime, gzip, io, json, os, sys
import transformers.utils.chat_template_utils as U

HERE = os.path.dirname(os.path.abspath(__file__))


class Fixed(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 3, 5, 14, 7, 9)


U.datetime = Fixed

TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "The weather \"now\" of a <city> & more", "parameters": {"type": "object", "properties": {
    "city": {"type": "string", "description": "Name, e.g. Zürich"}, "unit": {"type": "string", "enum": ["C", "F"], "default": "C"}, "days": {"type": "integer"}, "ratio": {"type": "number", "default": 0.5}}, "required": ["city"]}}},
    {"type": "function", "function": {"name": "zeta", "description": "b", "parameters": {"type": "object", "properties": {}}, "return": {"type": "null"}}}]
u = lambda c: {"role": "user", "content": c}
a = lambda c, **k: {"role": "assistant", "content": c, **k}
s = lambda c: {"role": "system", "content": c}
call = [{"id": "call00001", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Oslo", "days": 3, "x": None, "ok": True, "l": [1, 2.5, "é"]}}}]
CHATS = [
    {"messages": [u("What is the tallest tree?")]},
    {"messages": [s("You are terse."), u("  Name two rivers.\n")]},
    {"messages": [u("Hi"), a("Hello!\nHow are you?"), u("Fine <b>&amp;</b> 'x' \"y\" \\n 日本")]},
    {"messages": [s("Be brief."), u("a"), a("b"), u("c"), a("<think>\nhm\n</think>\n\nd", reasoning_content="why"), u("e")]},
    {"messages": [s("Use tools."), u("Weather in Oslo?")], "tools": TOOLS},
    {"messages": [u("Weather?"), a("", tool_calls=call), {"role": "tool", "name": "get_weather", "content": "{\"t\": -3}", "tool_call_id": "call00001"}, a("-3 C"), u("thanks")], "tools": TOOLS},
    {"messages": [u([{"type": "text", "text": "Look:"}, {"type": "image"}, {"type": "text", "text": " what is it?"}])]},
    {"messages": [u("x"), u("y")]},
    {"messages": [u("t"), a(None, tool_calls=call)], "extra": {"enable_thinking": False, "reasoning_effort": "high"}},
]

FAMILIES = {
    "llama2": "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    "llama31": """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}

{#- the system message #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{{- "Today Date: " + date_string + "\\n\\n" }}
{%- if tools is not none %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("one tool call at once") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}
        {{- '{"name": "' + tool_call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- tool_call.arguments | tojson }}
        {{- "}" }}
        {{- "<|eot_id|>" }}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
""",
    "qwen3": """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- "# Tools\\n\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- else %}
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- else %}
            {%- if '</think>' in content %}
                {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
                {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
            {%- endif %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or (not loop.last and reasoning_content)) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if (loop.first and content) or (not loop.first) %}
                    {{- '\\n' }}
                {%- endif %}
                {%- if tool_call.function %}
                    {%- set tool_call = tool_call.function %}
                {%- endif %}
                {{- '<tool_call>\\n{"name": "' }}
                {{- tool_call.name }}
                {{- '", "arguments": ' }}
                {%- if tool_call.arguments is string %}
                    {{- tool_call.arguments }}
                {%- else %}
                    {{- tool_call.arguments | tojson }}
                {%- endif %}
                {{- '}\\n</tool_call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}
        {{- content }}
        {{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}""",
    "gemma": """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '\n\n' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '\n\n' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate user/assistant/user/assistant/...") }}
    {%- endif -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<start_of_turn>' + role + '\n' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model\n'}}
{%- endif -%}
""",
    "mistral": """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("After the optional system message, conversation roles must alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[AVAILABLE_TOOLS] [" }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, val in tool.items() if key != "return" %}
                    {%- if val is string %}
                        {{- '"' + key + '": "' + val + '"' }}
                    {%- else %}
                        {{- '"' + key + '": ' + val|tojson }}
                    {%- endif %}
                    {%- if not loop.last %}
                        {{- ", " }}
                    {%- endif %}
                {%- endfor %}
                {{- "}}" }}
                {%- if not loop.last %}
                    {{- ", " }}
                {%- else %}
                    {{- "]" }}
                {%- endif %}
            {%- endfor %}
            {{- "[/AVAILABLE_TOOLS]" }}
        {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message.tool_calls is defined and message.tool_calls is not none %}
        {{- "[TOOL_CALLS] [" }}
        {%- for tool_call in message.tool_calls %}
            {%- set out = tool_call.function|tojson %}
            {{- out[:-1] }}
            {%- if not tool_call.id is defined or tool_call.id|length != 9 %}
                {{- raise_exception("Tool call IDs should be alphanumeric strings with length 9!") }}
            {%- endif %}
            {{- ', "id": "' + tool_call.id + '"}' }}
            {%- if not loop.last %}
                {{- ", " }}
            {%- else %}
                {{- "]" + eos_token }}
            {%- endif %}
        {%- endfor %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- elif message["role"] == "tool_results" or message["role"] == "tool" %}
        {%- if message.content is defined and message.content.content is defined %}
            {%- set content = message.content.content %}
        {%- else %}
            {%- set content = message.content %}
        {%- endif %}
        {{- '[TOOL_RESULTS] {"content": ' + content|string + ", " }}
        {{- '"call_id": "' + message.tool_call_id + '"}[/TOOL_RESULTS]' }}
    {%- else %}
        {{- raise_exception("Only user and assistant roles are supported") }}
    {%- endif %}
{%- endfor %}
""",
    "deepseek_r1": "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns = namespace(is_first=false, is_tool=false, is_output_first=true, system_prompt='') %}{%- for message in messages %}{%- if message['role'] == 'system' %}{% set ns.system_prompt = message['content'] %}{%- endif %}{%- endfor %}{{bos_token}}{{ns.system_prompt}}{%- for message in messages %}{%- if message['role'] == 'user' %}{%- set ns.is_tool = false -%}{{'<｜User｜>' + message['content']}}{%- endif %}{%- if message['role'] == 'assistant' and message['content'] is none %}{%- set ns.is_tool = false -%}{%- for tool in message['tool_calls']%}{%- if not ns.is_first %}{{'<｜Assistant｜><｜tool▁calls▁begin｜>' + tool['type'] + '<｜tool▁sep｜>' + tool['function']['name'] + '\\n' + '```json' + '\\n' + tool['function']['arguments']|string + '\\n' + '```'}}{%- set ns.is_first = true -%}{%- else %}{{'\\n'}}{%- endif %}{%- endfor %}{%- endif %}{%- if message['role'] == 'assistant' and message['content'] is not none %}{% set content = message['content'] %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}{{'<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>'}}{%- endif %}{%- endfor -%}{% if add_generation_prompt and not ns.is_tool %}{{'<｜Assistant｜><think>\\n'}}{% endif %}",
    "glm": """[gMASK]<sop>
{%- if tools -%}
<|system|>
# Tools
{% for tool in tools %}
{{ tool | tojson(ensure_ascii=False) }}
{% endfor %}
</tools>{%- endif -%}
{%- macro visible_text(content) -%}
    {%- if content is string -%}
        {{- content }}
    {%- elif content is iterable and content is not mapping -%}
        {%- for item in content -%}
            {%- if item is mapping and item.type == 'text' -%}
                {{- item.text }}
            {%- elif item is string -%}
                {{- item }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{- content }}
    {%- endif -%}
{%- endmacro -%}
{%- set ns = namespace(last_user_index=-1) %}
{%- for m in messages %}
    {%- if m.role == 'user' %}
        {% set ns.last_user_index = loop.index0 -%}
    {%- endif %}
{%- endfor %}
{% for m in messages %}
{%- if m.role == 'user' -%}<|user|>
{{ visible_text(m.content) }}
{{- '/nothink' if (enable_thinking is defined and not enable_thinking and not visible_text(m.content).endswith("/nothink")) else '' -}}
{%- elif m.role == 'assistant' -%}
<|assistant|>
{%- set reasoning_content = '' %}
{%- set content = visible_text(m.content) %}
{%- if m.reasoning_content is string %}
    {%- set reasoning_content = m.reasoning_content %}
{%- endif %}
{%- if loop.index0 > ns.last_user_index and reasoning_content -%}
{{ '\\n<think>' + reasoning_content.strip() +  '</think>'}}
{%- else -%}
{{ '\\n<think></think>' }}
{%- endif -%}
{%- if content.strip() -%}
{{ '\\n' + content.strip() }}
{%- endif -%}
{% if m.tool_calls %}
{% for tc in m.tool_calls %}
{%- if tc.function %}
    {%- set tc = tc.function %}
{%- endif %}
{{ '\\n<tool_call>' + tc.name }}
{% set _args = tc.arguments %}
{% for k, v in _args.items() %}
<arg_key>{{ k }}</arg_key>
<arg_value>{{ v | tojson(ensure_ascii=False) if v is not string else v }}</arg_value>
{% endfor %}
</tool_call>{% endfor %}
{% endif %}
{%- elif m.role == 'tool' -%}
{%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}
    {{- '<|observation|>' }}
{%- endif %}
{{- '\\n<tool_response>\\n' }}
{{- m.content }}
{{- '\\n</tool_response>' }}
{%- elif m.role == 'system' -%}
<|system|>
{{ visible_text(m.content) }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    <|assistant|>{{- '\\n<think></think>' if (enable_thinking is defined and not enable_thinking) else '' -}}
{%- endif -%}
""",
    "kimi": "{%- if tools -%}\n  <|im_system|>tool_declare<|im_middle|>{{ tools | tojson(separators=(',', ':')) }}<|im_end|>\n{%- endif -%}\n{%- for message in messages -%}\n  {%- if loop.first and messages[0]['role'] != 'system' -%}\n  <|im_system|>system<|im_middle|>You are Kimi.<|im_end|>\n  {%- endif -%}\n  {%- set role_name =  message.get('name') or  message['role'] -%}\n  {%- if message['role'] == 'user' -%}\n    <|im_user|>{{role_name}}<|im_middle|>\n  {%- elif message['role'] == 'assistant' -%}\n    <|im_assistant|>{{role_name}}<|im_middle|>\n  {%- else -%}\n    <|im_system|>{{role_name}}<|im_middle|>\n  {%- endif -%}\n  {%- if message['content'] is string -%}{{ message['content'] }}{%- elif message['content'] is not none -%}{% for content in message['content'] -%}{% if content['type'] == 'image' or 'image' in content -%}<|media_begin|>image<|media_end|>{%- else -%}{{ content['text'] }}{%- endif -%}{%- endfor -%}{%- endif -%}\n  <|im_end|>\n{%- endfor -%}\n{%- if add_generation_prompt -%}\n  <|im_assistant|>assistant<|im_middle|>\n{%- endif -%}",
    "phi": "{% for message in messages %}{% if message['role'] == 'system' %}{{'<|system|>\n' + message['content'] + '<|end|>\n'}}{% elif message['role'] == 'user' %}{{'<|user|>\n' ~ message['content'] ~ '<|end|>\n'}}{% elif message['role'] == 'assistant' %}{{'<|assistant|>\n' ~ message['content'] ~ '<|end|>\n'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}",
    "typescript": """{%- macro render_type(spec, required) -%}
    {%- if spec.type == "array" -%}{{ render_type(spec['items'], false) + "[]" }}
    {%- elif spec.enum is defined -%}{%- if spec.enum is string -%}"{{ spec.enum }}"{%- else -%}{%- for e in spec.enum -%}"{{ e }}"{{ " | " if not loop.last }}{%- endfor -%}{%- endif -%}
    {%- elif spec.type is string and spec.type in ["integer", "number"] -%}number
    {%- else -%}{{ spec.type }}{%- endif -%}
{%- endmacro -%}
{%- macro render_tools(name, tools) -%}
    {{- "## " + name + "\\n\\nnamespace " + name + " {\\n\\n" }}
    {%- for tool in tools %}
        {%- set tool = tool.function %}
        {{- "// " + tool.description + "\\ntype " + tool.name + " = " }}
        {%- if tool.parameters and tool.parameters.properties -%}
            {{- "(_: {\\n" }}
            {%- for k, p in tool.parameters.properties.items() %}
                {%- if p.description %}{{- "// " + p.description + "\\n" }}{%- endif %}
                {{- k }}{%- if k not in (tool.parameters.required or []) -%}{{- "?" }}{%- endif -%}{{- ": " + render_type(p, true) }}
                {%- if p.default is defined -%}{{- ", // default: " }}{%- if p.default is string %}{{- p.default }}{%- else %}{{- p.default|tojson }}{%- endif %}{%- else %}{{- "," }}{%- endif %}
                {{- "\\n" }}
            {%- endfor %}
            {{- "}) => any;\\n\\n" }}
        {%- else -%}{{- "() => any;\\n\\n" }}{%- endif -%}
    {%- endfor %}
    {{- "} // namespace " + name }}
{%- endmacro -%}
<|start|>system<|message|>Current date: {{ strftime_now("%Y-%m-%d") }}

Reasoning: {{ reasoning_effort|default("medium") }}<|end|>
{%- if tools %}<|start|>developer<|message|>{{ render_tools("functions", tools) }}<|end|>{% endif %}
{%- for m in messages %}<|start|>{{ m.role }}<|message|>{{ m.content if m.content is string else m.content|tojson }}<|end|>{% endfor %}
{%- if add_generation_prompt %}<|start|>assistant{% endif %}""",
    "generation": "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{{ eos_token }}{% endgeneration %}{% else %}[{{ m.role }}]{{ m.content }}{% endif %}\n{% endfor %}",
}

FEATURES = r"""
{{ messages[-1].role }} {{ messages|last|length }} {{ messages[0:1][-1].content }}
{{ 'a-b-c'.split('-', 1) }} {{ ' a  b '.split() }} {{ 'x'.join(['a','b']) }} {{ ['a',1,none,true]|join(',') }}
{{ 1/2 }} {{ 7//2 }} {{ -7//2 }} {{ -7%3 }} {{ 2**3 }} {{ 2**-1 }} {{ 1e3 }} {{ 1.0 }} {{ 10/5 }} {{ 3*1.5 }} {{ 1_000 }}
{{ none }} {{ true }} {{ [1,'a',"b'c",none,1.5,(1,),{}] }} {{ {'a': 1, 'b': [true]} }} {{ (1,2) }} {{ 'é\n\t\x00\u200b😀'|list }}
{{ {'b':1,'a':'<é>&"\'\\/\n'}|tojson }} {{ {'b':{'a':[]},'c':[1,{}]}|tojson(indent=2) }} {{ [1,2]|tojson(separators=(',',':')) }} {{ {'b':1,'a':2}|tojson(sort_keys=true) }} {{ 'é'|tojson(ensure_ascii=true) }}
{{ undefined_thing }}|{{ undefined_thing is defined }}|{{ undefined_thing|default('d') }}|{{ ''|default('e', true) }}|{{ none|default('f') }}
{{ undefined_thing.x }}
{{ undefined_thing + 1 }}
{% for i in range(3) %}{{ loop.index }}{{ loop.first }}{{ loop.last }}{{ loop.revindex }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a','b') }}{% if not loop.last %},{% endif %}{% else %}none{% endfor %}
{% for i in [] %}x{% else %}empty{% endfor %}{% for i in [1,2,3,4] if i % 2 == 0 %}{{ i }}/{{ loop.length }} {% endfor %}
{% for k, v in {'a':1,'b':2}.items() %}{{ k }}={{ v }};{% endfor %}{% for k in {'a':1} %}{{ k }}{% endfor %}{% for c in 'héy' %}{{ c }}.{% endfor %}
{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}
{% set x = 1 %}{% for i in [1,2] %}{% set x = i + 5 %}{{ x }}{% endfor %}{{ x }}{% if true %}{% set x = 9 %}{% endif %}{{ x }}
{% set ns = namespace(n=0, l=[]) %}{% for i in [1,2] %}{% set ns.n = ns.n + i %}{% set ns.l = ns.l + [i] %}{% endfor %}{{ ns.n }} {{ ns.l }}
{% set a, b = 1, 'two' %}{{ a }}{{ b }}{% set t %}block {{ a }}{% endset %}[{{ t }}]{% set u | upper %}up{% endset %}{{ u }}
{% macro m(a, b='x', c=none) %}<{{ a }}|{{ b }}|{{ c }}>{% endmacro %}{{ m(1) }}{{ m(1, c=2) }}{{ m('q', 'w') }}{{ m() }}
{% macro w() %}[{{ caller() }}]{% endmacro %}{% call w() %}in{% endcall %}{% macro v() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ v(1, k=2) }}
{% filter upper %}abc{{ 1 }}{% endfilter %}{% with a=1, b=2 %}{{ a + b }}{% endwith %}{{ a is defined }}
{% raw %}{{ not }} {% this %}{% endraw %} {{ '{{' }} {# comment #}x{#- c -#} y
  {%- if true -%}  a  {%- endif -%}  b
  {% if true %}
    indented
  {% endif %}
tail  
{{ 'abc'[1] }} {{ 'abc'[-1] }} {{ 'abc'[::-1] }} {{ [1,2,3][5] }} {{ [1,2,3][1:] }} {{ 'abcdef'[1:5:2] }} {{ 'abc'[:-1] }} {{ (1,2,3)[:2] }}
{{ 'a' ~ 1 ~ none ~ true }} {{ 'ab' * 3 }} {{ [1] * 2 }} {{ [1] + [2] }} {{ 'a' + 'b' }}
{{ 'a' + 1 }}
{{ 1 + '1' }}
{{ '%s is %d (%.2f) %05d %r %%' % ('x', 3, 1.5, 42, 'q') }} {{ '%s' % 'one' }} {{ "%s-%s"|format('a', 'b') }} {{ '{} {1} {x}'.format('a', 'b', x=3) }}
{{ '{} {}'.format(1, 'b') }} {{ '{0}{1}{0}'.format('a', 'b') }} {{ '{x}'.format(x=none) }}
{{ 1 == 1.0 }} {{ 1 == true }} {{ 'a' == 'a' }} {{ [1] == [1] }} {{ (1,) == [1] }} {{ none == false }} {{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }} {{ 'a' < 'b' }} {{ 1 != 2 }}
{{ 1 < 'a' }}
{{ 'a' in 'abc' }} {{ 1 in [1,2] }} {{ 'k' in {'k':1} }} {{ 'x' not in ['y'] }} {{ not true }} {{ not 'a' in 'b' }} {{ true and 'x' }} {{ '' or 'y' }} {{ none or 0 or [] }}
{{ 1 in 'abc' }}
{{ 1 is odd }} {{ 2 is even }} {{ 4 is divisibleby 2 }} {{ 'a' is string }} {{ 1 is number }} {{ true is number }} {{ 1 is integer }} {{ true is integer }} {{ true is boolean }} {{ [] is sequence }} {{ {} is sequence }} {{ 'a' is sequence }} {{ {} is mapping }} {{ [] is iterable }} {{ none is none }} {{ 1 is none }} {{ 'A' is upper }} {{ 1 is eq 1 }} {{ 2 is gt 1 }} {{ 1 is in [1] }} {{ 'a' is sameas 'a' }} {{ false is false }} {{ 0 is false }} {{ range is callable }} {{ 1.5 is float }} {{ x is undefined }}
{{ ' a b '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'xax'.lstrip('x') }}|{{ 'xax'.rstrip('x') }}|{{ 'aXb'.upper() }}{{ 'aXb'.lower() }}{{ 'it\'s a test'.title() }}{{ 'abc DEF'.capitalize() }}|{{ 'aab'.replace('a','x') }}|{{ 'aab'.replace('a','x',1) }}|{{ 'abc'.find('c') }}{{ 'abc'.index('b') }}{{ 'aXa'.count('a') }}|{{ 'a\nb\r\nc'.splitlines() }}|{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x','c')) }}|{{ 'a.b.c'.rsplit('.', 1) }}|{{ 'pre-x'.removeprefix('pre-') }}|{{ 'a=b=c'.partition('=') }}{{ 'a=b'.rpartition('=') }}{{ 'ab'.rpartition('=') }}|{{ '7'.zfill(3) }}{{ 'a'.ljust(3) }}.{{ 'a'.rjust(3) }}|{{ '12'.isdigit() }}{{ 'ab1'.isalnum() }}{{ ' '.isspace() }}{{ 'A'.isupper() }}
{{ [3,1,2]|sort }} {{ ['b','A','c']|sort }} {{ ['b','A']|sort(case_sensitive=true) }} {{ [1,2]|reverse|list }} {{ 'abc'|reverse }} {{ [1,1,2]|unique|list }} {{ [1,2,3]|sum }} {{ [1,5,2]|max }} {{ [4,2]|min }} {{ [[1,2],[3]]|sum(start=[]) }} {{ [1,2,3]|first }} {{ []|first }}
{{ messages|map(attribute='role')|list }} {{ ['a','b']|map('upper')|join }} {{ messages|selectattr('role','equalto','user')|list|length }} {{ [1,2,3]|select('odd')|list }} {{ [1,2,3]|reject('gt', 1)|list }} {{ messages|rejectattr('role','in',['user'])|map(attribute='content')|list }} {{ [0,1,'']|select|list }}
{{ {'b':1,'a':2}|dictsort }} {{ {'b':1,'a':2}|items|list }} {{ {'a':1}.get('b', 3) }} {{ {'a':1}.get('b') }} {{ {'a':1}.keys()|list }} {{ {'a':1}.values()|list }} {{ dict(a=1, b=2) }} {{ {'a': {'items': 1}}.a['items'] }}
{{ '3'|int + 1 }} {{ 'x'|int(7) }} {{ '3.7'|int }} {{ '1.5'|float }} {{ 3.7|int }} {{ 2.5|round }} {{ 2.567|round(2) }} {{ 2.1|round(method='ceil') }} {{ -3|abs }} {{ 'a,b'|replace(',', ';') }} {{ 5|string + 'x' }} {{ 'a b'|wordcount }} {{ '  x '|trim }} {{ 'hello world'|title }} {{ 'Abc'|lower|capitalize }}
{{ 'a\nb\n\nc'|indent }}|{{ 'a\nb'|indent(2, true) }}|{{ 'x'|center(5) }}|{{ '<a&"\'>'|e }}|{{ 'a b/ü'|urlencode }}|{{ [1,2,3,4,5]|batch(2)|list }}|{{ [1,2,3,4,5]|slice(2)|list }}|{{ 'foo bar baz qux'|truncate(9) }}
{{ messages|groupby('role')|map('first')|list }} {{ 'a' if true }} {{ 'a' if false }} {{ 'a' if false else 'b' if false else 'c' }}
{{ strftime_now('%d %b %Y %H:%M:%S %A %B %j %-d %y %p %I %%') }}
{{ raise_exception('no') }}
{{ ''.__class__ }}
{{ messages.append(1) }}
{{ {}.update({'a':1}) }}
{{ messages.__class__.__mro__ }}
{{ range(1000000) }}
{{ cycler }}{{ unknown() }}
{{ 5() }}
{{ 1/0 }}
{% for a, b in [[1,2],[3,4]] %}{{ a }}{{ b }} {% endfor %}{% for i in 5 %}{% endfor %}
{%- for m in messages recursive %}{{ m.role }}{% if m.sub %}{{ loop(m.sub) }}{% endif %}{% endfor %}
{% set j = joiner(';') %}{% for i in [1,2,3] %}{{ j() }}{{ i }}{% endfor %}
{{ "a" "b" }} {{ 'tab\there' }} {{ "uni\u00e9" }} {{ 'sla\\sh' }} {{ 'keep\q' }}
{% if messages is defined and messages|length > 1 and messages[1].role == 'assistant' %}yes{% elif messages %}elif{% else %}no{% endif %}
{{ tools }} {{ add_generation_prompt }} {{ bos_token }} {{ documents }} {{ messages[0] }}
{{ [1,2,3].index(2) }} {{ [1,1].count(1) }} {{ (messages|first).role }} {{ messages[0]['role'][0]|upper }} {{ -1|abs }} {{ not 1 == 2 }} {{ 2 + 3 * 4 - 1 }} {{ (2 + 3) * 4 }} {{ 'a' ~ 'b' * 2 }} {{ -2 ** 2 }}
{%+ if true %} x{%+ endif %} y
{{ [] }}{{ '' }}{{ 0 }}{{ 0.1 + 0.2 }} {{ 1e16 }} {{ 1e-5 }} {{ 123456789012345680.0 }} {{ 1.0e2 }}
{% set x = [1,2,3] %}{{ x[-1:] }} {{ x[:1] }} {{ x[1:2] }} {{ x[5:] }} {{ x[::2] }} {{ x[none:2] }}
{{ messages[0].nothing }}|{{ messages[0]['nothing'] is defined }}|{{ messages[0].content.nothing }}|{{ messages[99] }}|{{ messages[99].x }}
""".strip("\n").split("\n")


def main():
    templates = dict(FAMILIES)
    block, n = [], 0
    for line in FEATURES:
        if line.startswith("  ") or line.startswith("tail"):
            block.append(line)
            continue
        templates["feature_%02d" % n] = line
        n += 1
    templates["whitespace"] = "\n".join(block) + "\n\n"
    templates["windows"] = "a\r\n{% if true %}\r\nb\r\n{% endif %}\r\n"
    out = {"tokens": TOKENS, "templates": templates, "chats": CHATS, "rendered": []}
    for name, text in templates.items():
        for i, chat in enumerate(CHATS):
            if name.startswith("feature") and i not in (0, 3):
                continue
            for generate in (True, False):
                try:
                    r = U._compile_jinja_template(text).render(messages=chat["messages"], tools=chat.get("tools"), documents=None, add_generation_prompt=generate, **TOKENS, **chat.get("extra", {}))
                except Exception as e:
                    r = None
                    if os.environ.get("V"): print(name, i, type(e).__name__, e)
                out["rendered"].append([name, i, generate, r])
    raw = json.dumps(out, ensure_ascii=True).encode()
    buf = io.BytesIO()
    with gzip.GzipFile(fileobj=buf, mode="wb", compresslevel=9, mtime=0) as z:
        z.write(raw)
    open(os.path.join(HERE, "vectors.json.gz"), "wb").write(buf.getvalue())
    print(len(templates), "templates", len(out["rendered"]), "renders", sum(r[3] is None for r in out["rendered"]), "of them errors")


main()
