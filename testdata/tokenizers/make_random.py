#!/usr/bin/env python3
"""make_random.py: tokenizers of random parts, and Unicode as Hugging Face sees it.

    /tmp/v/bin/python testdata/tokenizers/make_random.py DIR FIRST COUNT [TEXTS]
    /tmp/v/bin/python testdata/tokenizers/make_random.py unicode

The first form trains a tokenizer for each seed from FIRST on (a model with random
normalizers, pre-tokenizers, post-processor, decoders and added tokens) and writes what
tokenizers 0.22.2 makes of random texts into DIR/random_SEED.json.gz, in the form of
make_vectors.py, whose virtual environment this needs. small/ holds some of them;
LOADGEN_TOKENIZERS=DIR go test ./internal/tokenizer -run TestVectors compares others.

The second form writes unicode.json.gz: for each character class, pre-tokenizer and
normalizer the code points in it, as ranges.
"""
import gzip, json, os, random, sys, tempfile
from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers import decoders as D, models as M, normalizers as N, pre_tokenizers as P, processors as S, trainers as T

HERE = os.path.dirname(os.path.abspath(__file__))
WORDS = """the quick brown fox jumps over lazy dogs Hello World it's don't we'll I'm THEY'VE O'Neil café naïve Straße İstanbul ΑΣΟΣ ǅungla
東京 日本語 カタカナ ひらがな ー 한국어 สวัสดี مرحبا שלום हिन्दी Привет мир ﬁne ½ ① ㎏ ﷺ Å é ạ̈ foo_bar x123 3.14 1,000,000 42 ٣٤ Ⅷ
https://a.b/c?d=e&f user@example.com --flag <s> </s> [MASK] <unk> 👍🏽 👨‍👩‍👧 🇩🇪 ☂ ❤️ ▁ ▁▁a Ġ Ċ ## ##a </w> <0x41> <0xE2> 𝒳 𐐀 𠀀 ꙮ ᾳ ŉ ẞ ʼn ᄀ ᅡ ᆨ 가 ﾞ ｱ ＡＢＣ １２３
“quoted” ‘x’ … — – • € £ © ® ™ + = | ~ ^ ` $ # \\ / " ' ! ? . , ; : ( ) [ ] { } < > aaaaaaa ........ -----""".split() + \
    [" ", "  ", "\t\t", " \n ", " \r\n", "\n \n", "\v", "\f", "\x00", "\x07", "\x7f", "\x85", "\xa0", "\xad", "\u200b", "\u202e", "\u2028", "\u3000", "\ufeff", "\ufffd", "\ufffe"]
REGEX = r"""\s+ ~ \d ~ \p{L}+ ~ [^\w\s] ~ \w+|[^\w\s]+ ~ (?i:'s|'t)| ?\p{L}+ ~ \p{N}{1,3} ~ (?=[A-Z]) ~ [A-Z]?[a-z]+ ~ \b ~ [\p{Han}]+ ~ a* ~ [[:punct:]] ~
 [[:alpha:]]+ ~ [[:space:]]+ ~ \p{Lu} ~ (?<=\s)\S ~ \S+(?=\s) ~ . ~ (?m). ~ ^. ~ .$ ~ [^\r\n\p{L}\p{N}]?\p{L}+ ~ [\u4e00-\u9fff] ~ [!-/] ~ \p{M}+ ~ \p{S} ~ \p{P}+ ~
 \x20 ~ (?:ab)+ ~ (a|b)c? ~ [a-c&&[^b]] ~ \p{Latin}+ ~ \p{Cyrillic} ~ \h+ ~ [[:upper:]]+ ~ [[:lower:]]+ ~ [[:cntrl:]] ~ [[:alnum:]] ~ [[:graph:]]+ ~ [[:print:]]+ ~
 [[:word:]]+ ~ [[:blank:]] ~ \p{Cn} ~ \p{Cf} ~ \p{Zs} ~ \W+ ~ \D+ ~ \H+ ~ (?i)straße|hello ~ (?i)[a-f]+ ~ \p{Hangul}+ ~ [^\S\n]+ ~ (?>a+)b ~ a++b ~ \A.|.\z ~ (?<!\p{L})\p{L}"""
REGEX = [r.strip() for r in REGEX.split("~")]
BEHAVIORS = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
SPECIAL = ["<unk>", "<s>", "</s>", "<pad>"]
BYTES = ["<0x%02X>" % i for i in range(256)]


def text(r):
    out = ""
    for _ in range(r.choice([0, 1, 1, 2, 3, 5, 8, 13, 30])):
        k = r.random()
        if k < .7:
            out += r.choice(WORDS)
        elif k < .8:
            out += "".join(r.choice("abcdefgABC \t\n.,'0123") for _ in range(r.randint(1, 8)))
        elif k < .9:
            out += chr(r.choice([r.randint(0, 0x2ff), r.randint(0x300, 0x36f), r.randint(0, 0xd7ff), r.randint(0xe000, 0xffff), r.randint(0x10000, 0x1ffff), r.randint(0x20000, 0x3ffff)]))
        else:
            out += r.choice(["ab", "hello", "1", "_", "'s", " 's", "é", "漢"])
        if r.random() < .5:
            out += " "
    return out


R = random.Random(1)
CORPUS = [" ".join(R.choice(WORDS) for _ in range(20)) for _ in range(300)] + ["the quick brown fox jumps over the lazy dog and runs away quickly"] * 50


def charsmap(name):
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as proto
    with tempfile.TemporaryDirectory() as d:
        open(d + "/text", "w").write("\n".join(c.replace("\x00", "") for c in CORPUS))
        sentencepiece.SentencePieceTrainer.train(input=d + "/text", model_prefix=d + "/m", vocab_size=400, normalization_rule_name=name, hard_vocab_limit=False, minloglevel=2)
        m = proto.ModelProto()
        m.ParseFromString(open(d + "/m.model", "rb").read())
    return m.normalizer_spec.precompiled_charsmap


def coin(r, p=.5):
    return r.random() < p


def normalizer(r):
    return r.choice([
        lambda: N.NFC(), lambda: N.NFD(), lambda: N.NFKC(), lambda: N.NFKD(), lambda: N.Lowercase(), lambda: N.StripAccents(), lambda: N.Nmt(),
        lambda: N.Strip(left=coin(r), right=coin(r)), lambda: N.Prepend(r.choice(["▁", " ", "x"])),
        lambda: N.Replace(r.choice([" ", "a", "  ", "é"]), r.choice(["▁", "", "bb"])), lambda: N.Replace(Regex(r.choice(REGEX)), r.choice(["▁", "", "-"])),
        lambda: N.BertNormalizer(clean_text=coin(r), handle_chinese_chars=coin(r), strip_accents=r.choice([None, True, False]), lowercase=coin(r)),
        lambda: N.Precompiled(charsmap(r.choice(["nmt_nfkc", "nfkc", "nmt_nfkc_cf", "nfkc_cf"])))])()


def pre_tokenizer(r):
    return r.choice([
        lambda: P.ByteLevel(add_prefix_space=coin(r), use_regex=coin(r)), lambda: P.BertPreTokenizer(), lambda: P.Whitespace(), lambda: P.WhitespaceSplit(),
        lambda: P.CharDelimiterSplit(r.choice("_-a ")), lambda: P.Punctuation(r.choice(BEHAVIORS)), lambda: P.Digits(individual_digits=coin(r)),
        lambda: P.Split(r.choice([" ", "a", "  ", "'"]), r.choice(BEHAVIORS), invert=coin(r, .3)), lambda: P.Split(Regex(r.choice(REGEX)), r.choice(BEHAVIORS), invert=coin(r, .3)),
        lambda: P.Metaspace(replacement=r.choice("▁▁_"), prepend_scheme=r.choice(["always", "first", "never"]), split=coin(r, .7)),
        lambda: P.UnicodeScripts(), lambda: P.FixedLength(length=r.randint(1, 7))])()


def decoder(r):
    return r.choice([
        lambda: D.ByteLevel(), lambda: D.WordPiece(prefix=r.choice(["##", "@"]), cleanup=coin(r)), lambda: D.ByteFallback(), lambda: D.Fuse(),
        lambda: D.Strip(r.choice([" ", "a", "▁"]), r.randint(0, 2), r.randint(0, 2)),
        lambda: D.Metaspace(replacement=r.choice("▁_"), prepend_scheme=r.choice(["always", "first", "never"]), split=coin(r)),
        lambda: D.BPEDecoder(suffix=r.choice(["</w>", "a"])), lambda: D.CTC(pad_token="<pad>", word_delimiter_token=r.choice("|a"), cleanup=coin(r)),
        lambda: D.Replace(r.choice(["▁", "a", Regex(r.choice(REGEX))]), r.choice([" ", "", "zz"]))])()


def some(r, sequence, one):
    parts = [one(r) for _ in range(r.choice([0, 1, 1, 1, 2, 2, 3]))]
    if len(parts) < 2 and coin(r, .7):
        return parts[0] if parts else None
    return sequence(parts) if parts else None


def model(r):
    """model, trainer, whether the text must be in the byte alphabet"""
    kind = r.choice(["BPE", "BPE", "bytes", "bytes", "fallback", "Unigram", "Unigram", "WordPiece", "WordLevel"])
    unknown = r.choice([{}, {"unk_token": "<unk>"}])
    quiet = {"special_tokens": SPECIAL, "show_progress": False}
    if kind == "BPE":
        around = {k: v for k, v in (("continuing_subword_prefix", r.choice([None, None, "##", "@"])), ("end_of_word_suffix", r.choice([None, None, "</w>"]))) if v}
        return M.BPE(fuse_unk=coin(r), ignore_merges=coin(r, .3), **unknown, **around), T.BpeTrainer(vocab_size=r.choice([200, 500]), limit_alphabet=r.choice([60, 150]), **around, **quiet), False
    if kind == "bytes":
        return M.BPE(ignore_merges=coin(r), **unknown), T.BpeTrainer(vocab_size=r.choice([300, 700]), initial_alphabet=P.ByteLevel.alphabet() if coin(r, .9) else [], **quiet), True
    if kind == "fallback":
        quiet["special_tokens"] = SPECIAL + BYTES[:256 if coin(r, .8) else 200]
        return M.BPE(byte_fallback=True, fuse_unk=coin(r), **unknown), T.BpeTrainer(vocab_size=900, limit_alphabet=80, **quiet), False
    if kind == "Unigram":
        quiet["special_tokens"] = SPECIAL + (BYTES if coin(r) else [])
        return M.Unigram(), T.UnigramTrainer(vocab_size=r.choice([300, 600]), unk_token="<unk>", **quiet), False
    if kind == "WordPiece":
        prefix = r.choice(["##", "##", "@@"])
        return M.WordPiece(unk_token="<unk>", max_input_chars_per_word=r.choice([100, 10]), continuing_subword_prefix=prefix), T.WordPieceTrainer(vocab_size=500, limit_alphabet=100, continuing_subword_prefix=prefix, **quiet), False
    return M.WordLevel(unk_token="<unk>"), T.WordLevelTrainer(vocab_size=300, **quiet), False


def tokenizer(r):
    m, trainer, in_bytes = model(r)
    t = Tokenizer(m)
    norm, pre, dec = some(r, N.Sequence, normalizer), some(r, P.Sequence, pre_tokenizer), some(r, D.Sequence, decoder)
    if in_bytes:
        pre = P.Sequence([pre_tokenizer(r)] * coin(r) + [P.ByteLevel(add_prefix_space=coin(r, .3), use_regex=coin(r, .6))])
        dec = D.ByteLevel() if coin(r, .8) else dec
    for name, part in (("normalizer", norm), ("pre_tokenizer", pre)):
        if part:
            setattr(t, name, part)
    t.train_from_iterator(CORPUS, trainer)
    if dec:
        t.decoder = dec
    if isinstance(t.model, M.Unigram) and coin(r):
        j = json.loads(t.to_str())
        j["model"]["byte_fallback"] = True
        t = Tokenizer.from_str(json.dumps(j))
    for c in ["hello", "the", "[MASK]", " fox", "<|end|>", "ab", "a", "É", "ﬁ", "X Y", "Hello W"]:
        if coin(r, .25):
            a = AddedToken(c, single_word=coin(r, .4), lstrip=coin(r, .4), rstrip=coin(r, .4), normalized=coin(r, .4), special=coin(r, .4))
            (t.add_special_tokens if a.special else t.add_tokens)([a])
    s, e = ("<s>", t.token_to_id("<s>")), ("</s>", t.token_to_id("</s>"))
    post = r.choice([
        lambda: None, lambda: S.BertProcessing(e, s), lambda: S.RobertaProcessing(e, s, trim_offsets=coin(r), add_prefix_space=coin(r)),
        lambda: S.TemplateProcessing(single=r.choice(["<s> $A", "<s> $A </s>", "$A </s>:1", "<s> <s> $A </s>"]), pair="$A $B", special_tokens=[s, e]), lambda: S.ByteLevel(),
        lambda: S.Sequence([S.ByteLevel(), S.TemplateProcessing(single="<s> $A", pair="$A $B", special_tokens=[s])])])()
    if post:
        t.post_processor = post
    return t


def attempt(f):
    """the reference panics on some texts; those are left out"""
    try:
        return [f()]
    except BaseException as e:
        if isinstance(e, KeyboardInterrupt):
            raise
        return []


def save(path, data):
    with gzip.GzipFile(path, "wb", 9, mtime=0) as z:
        z.write(json.dumps(data, separators=(",", ":")).encode())


def vectors(out, seed, texts):
    r = random.Random(seed)
    made = attempt(lambda: tokenizer(r))
    if not made:
        return
    t, encoded, decoded = made[0], [], []
    for _ in range(texts):
        x = text(r)
        encoded += attempt(lambda: [x, t.encode(x).ids, t.encode(x, add_special_tokens=False).ids])
    for _ in range(texts // 2):
        ids = r.choice(encoded)[2] if encoded and coin(r) else [r.randrange(t.get_vocab_size() + 2) for _ in range(r.randint(0, 12))]
        decoded += attempt(lambda: [ids, t.decode(ids, skip_special_tokens=False), t.decode(ids, skip_special_tokens=True)])
    save("%s/random_%d.json.gz" % (out, seed), {"files": {"tokenizer.json": t.to_str()}, "vocab_size": t.get_vocab_size(False), "encode": encoded, "decode": decoded})


def unicode():
    every = [chr(c) for c in range(0x110000) if not 0xd800 <= c <= 0xdfff]

    def ranges(has):
        out = []
        for c in every:
            if has(c):
                if out and out[-1][1] == ord(c) - 1:
                    out[-1][1] = ord(c)
                else:
                    out.append([ord(c)] * 2)
        return out
    data = {}
    for c in r"""\w [\w] \s \d \h [[:alpha:]] [[:upper:]] [[:lower:]] [[:punct:]] [[:cntrl:]] [[:alnum:]] [[:graph:]] [[:print:]] [[:word:]] [[:blank:]] \p{L} \p{Lu}
        \p{Ll} \p{Lm} \p{Lo} \p{M} \p{N} \p{Nd} \p{P} \p{S} \p{Sm} \p{Z} \p{C} \p{Cf} \p{LC} \p{Punct} \p{Alphabetic} \p{Han} \p{Latin} \p{Common} \p{Arabic}""".split():
        left = set(N.Replace(Regex(c), "").normalize_str("".join(every)))
        data[c] = ranges(lambda x: x not in left)
    bert = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    for name, n in {"StripAccents": N.StripAccents(), "clean": N.BertNormalizer(**{**bert, "clean_text": True}), "strip": N.BertNormalizer(**{**bert, "strip_accents": True})}.items():
        data[name] = ranges(lambda x: n.normalize_str(x) == "")
    for name, p in {"Punctuation": P.Punctuation(), "Digits": P.Digits()}.items():
        data[name] = ranges(lambda x: len(p.pre_tokenize_str("a" + x + "a")) == 3)
    data["no script"] = ranges(lambda x: not P.UnicodeScripts().pre_tokenize_str(x))
    lower = N.Lowercase()
    data["lower"] = [[x, lower.normalize_str(x)] for x in every if lower.normalize_str(x) != x]
    save(HERE + "/unicode.json.gz", data)


if sys.argv[1] == "unicode":
    unicode()
else:
    for seed in range(int(sys.argv[2]), int(sys.argv[2]) + int(sys.argv[3])):
        vectors(sys.argv[1], seed, int(sys.argv[4]) if len(sys.argv) > 4 else 200)
