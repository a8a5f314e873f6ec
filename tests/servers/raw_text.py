"""What the raw server says: JSON as text, so that nothing here tidies it up on its way to the wire.

It is full of what a gateway might spoil: unknown fields, `_meta`, numbers that a double does not hold, several spellings
of one number or one character, keys out of order, nulls and empty containers.
"""

ODD_RESULT = (
    r'"x-unknown":{"b":1,"a":[null,{},[],""]},"content":[{"text":"caf\u00e9 \ud83d\ude00 \/ \"q\" é","type":"text",'
    r'"annotations":{"priority":1.0,"audience":["user"],"x-score":[1e2,-0.0,1E-7,1.50]},"_meta":{"example.com/k":"\u0041"}},'
    r'{"type":"x-future","payload":{"deep":[[[[1]]]]}}],'
    r'"structuredContent":{"one":1.0,"hundred":1e2,"big":123456789012345678901234567890,"max":18446744073709551615,'
    r'"min":-9223372036854775808,"fine":0.1000000000000000055511151231257827,"null":null,"Ключ":"\u043a"},'
    r'"isError":false,"_meta":{"example.com/trace":"\u0041","example.com/n":1.50}'
)
PLAIN_RESULT = r'"content":[{"type":"text","text":"plain"}]'
TOOL_ERROR = r'"content":[{"type":"text","text":"it broke","x-code":7e0}],"isError":true,"x-why":{"n":1.0}'
ERROR = r'{"code":-32050,"message":"caf\u00e9 closed","data":{"n":1.0,"big":123456789012345678901,"x":[null]},"x-unknown":1e1}'
SECRET_RESULT = (
    r'"content":[{"type":"text","text":"{\"employee\":\"E001\",\"password\":\"hunter2-result\"}"}],'
    r'"structuredContent":{"employee":"E001","password":"hunter2-result","ssn":"123-45-6789"}'
)
SECRET_ERROR = r'{"code":-32051,"message":"login failed","data":{"password":"hunter2-error","user":"E001"}}'
SECRET_LOG = r'{"level":"warning","logger":"raw","data":{"password":"hunter2-log","user":"E001"}}'

_ANY = r'"inputSchema":{"type":"object"}'
TOOLS = [
    r'{"name":"odd","x-vendor":{"n":1.0,"m":1e2},"title":"\u004fdd","description":"Caf\u00e9 — says odd things",'
    r'"inputSchema":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":'
    r'{"n":{"type":"number","maximum":1e300,"multipleOf":0.10}},"$defs":{"x":true},"x-order":["n"]},'
    r'"outputSchema":{"type":"object"},"annotations":{"readOnlyHint":true,"x-cost":1.0},'
    r'"icons":[{"src":"data:image/png;base64,AA==","x-dark":null}],"_meta":{"example.com/v":1.0}}',
    r'{"name":"plain","annotations":{"readOnlyHint":true},' + _ANY + "}",
    r'{"name":"seen","description":"Answers with the message as it came",' + _ANY + "}",
    r'{"name":"strict","inputSchema":{"type":"object","properties":{"id":{"type":"string","pattern":"^E[0-9]{3}$"}},'
    r'"required":["id"],"additionalProperties":false}}',
    r'{"name":"wait","description":"Answers when it is released",' + _ANY + "}",
    r'{"name":"wait-quietly","description":"The same, with no byte before the answer",' + _ANY + "}",
    r'{"name":"die","description":"Ends the server",' + _ANY + "}",
    r'{"name":"fail","description":"Answers with a JSON-RPC error",' + _ANY + "}",
    r'{"name":"broken","description":"Answers with isError",' + _ANY + "}",
    r'{"name":"steps","description":"Reports progress three times, and logs",' + _ANY + "}",
    r'{"name":"secret","description":"Leaks, as `as` says: result, error or log",' + _ANY + "}",
]
RESOURCES = (
    r'"resources":[{"uri":"raw://one","name":"one","size":1e1,"x-vendor":[1.0],"_meta":{"example.com/k":null}},'
    r'{"uri":"raw://two","name":"two","mimeType":"text/plain","annotations":{"priority":0.50}}],"x-unknown":1.0'
)
TEMPLATES = r'"resourceTemplates":[{"uriTemplate":"raw://{name}","name":"any","x-vendor":1.0}]'
PROMPTS = r'"prompts":[{"name":"odd","arguments":[{"name":"who","required":true,"x-hint":1.0}],"x-vendor":[null]}]'
CONTENTS = r'"contents":[{"uri":"raw://one","text":"caf\u00e9","x-etag":1.0,"_meta":{"example.com/k":1e2}}],"x-unknown":{}'
MESSAGES = (
    r'"description":"\u004fdd","messages":[{"role":"user","content":{"type":"text","text":"caf\u00e9"},"x-weight":1.0}],'
    r'"_meta":{"example.com/k":1e2}'
)
COMPLETION = r'"completion":{"values":["caf\u00e9","tea"],"total":2.0,"hasMore":false,"x-unknown":1e0},"x-unknown":[1.0]'
CAPABILITIES = (
    r'{"tools":{"listChanged":true,"x-vendor":1.0},"resources":{},"prompts":{},"completions":{},"logging":{},'
    r'"experimental":{"example.com/x":{"n":1e2}}}'
)
