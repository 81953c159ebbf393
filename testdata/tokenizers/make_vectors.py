#!/usr/bin/env python3
"""make_vectors.py: trains small tokenizers of every kind and writes what the
reference libraries make of odd texts into small/, one gzipped JSON file each.

    python3 -m venv /tmp/v && /tmp/v/bin/pip install tokenizers==0.22.2 \
        transformers==4.57.6 sentencepiece==0.2.3 tiktoken==0.14.0 mistral-common==1.13.1
    /tmp/v/bin/python testdata/tokenizers/make_vectors.py

A file has "files" (name -> content, base64 where binary), "encode" (text, ids
with and without special tokens) and "decode" (ids, text, text without special
tokens). Texts and tokenizers are made here; the seed is fixed.
"""
import base64, gzip, io, json, os, random, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "small")
R = random.Random(7)

WORDS = """the of and to in is that it was for on are as with his they at be this from have or by one had not but what
all were when we there can an your which their said if do will each about how up out them then she many some so these
would other into has more her two like him see time could no make than first been its who now people my made over did
down only way find use may water long little very after words called just where most know get through back much before
go good new write our used me man too any day same right look think also around another came come work three word must
because does part even place well such here take why things help put years different away again off went old number
größer naïve café über 日本 東京 中文 текст слово ελληνικά مرحبا שלום नमस्ते สวัสดี 한국어 👋 🏳️‍🌈 don't it's we're""".split()


def sentence(n):
    return " ".join(R.choice(WORDS) for _ in range(n))


CORPUS = [sentence(R.randint(3, 20)) + R.choice([".", "!", "?", ",", ""]) for _ in range(1500)] + \
    [sentence(4).title() + " %d (%s)" % (R.randint(0, 99999), sentence(2)) for _ in range(200)]

ODD = ["", " ", "  ", "a", "\n", "\t x", "Hello, world!", "  two  blanks  ", "it's don't WE'RE I'LL", "éè e\u0301 ﬁ ﬀ Å Å",
       "ÀÉÎÕÜ İstanbul ß ẞ ſ", "日本語と中文 ﾊﾝｶｸ ｱﾞ", "ひらがなカタカナー漢字abc", "👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 \U0001f1e9\U0001f1ea", "\u00a0\u2003\u3000 \u200b\u200d\ufeff x",
       "a\u0301\u0316\u0300b\u0345", "x" * 120, "a" * 300, "ab" * 150, "1234567 3.14 ½ ² ٣ Ⅷ", "!!!???...---___", "¿qué? «oui» “x” ‘y’ …",
       "[UNK] [CLS] <s> </s> <unk> <pad> <0x41>", "x<s>y", "<s> <s>  </s>", "foo[MASK]bar [MASK] baz", "<|x|>added<|x|>", " ADD add Add ",
       "\x00\x01\x1f\x7f\x85 ctl", "\ufffd\ufffe", "नमस्ते क्षत्रिय สวัสดี ครับ", "مرحبا بكم שלום", "한국어 각가 힣", "▁under▁score ▁", "_a_ __b__",
       "line one\nline two\r\nline three\r\r\n\n\n  x", "\u2028\u2029\u0085", "Ⓐ ① ㈱ ㌀ ﷺ", "\U00010400\U0001d4d0\U0002070e", "e\u0301\u0301" * 20,
       "http://example.com/a?b=c&d=%20", "def f(x):\n\treturn x**2  # yes", "\\n \\t \"quoted\" 'single'", "ΑΒΓ Σίσυφος ΟΔΟΣ", "ǅ ǆ Ǆ", "\u1e9b\u0323 \u212b"]


def texts():
    out = list(ODD)
    for _ in range(60):
        out.append(sentence(R.randint(1, 12)))
    pool = [c for t in ODD + WORDS for c in t]
    for _ in range(120):
        out.append("".join(R.choice(pool) for _ in range(R.randint(1, 40))))
    for _ in range(30):
        out.append(R.choice(["", " ", "  "]) + R.choice(ODD) + R.choice(["", " ", "\n"]) + sentence(2))
    return out


TEXTS = texts()
written = []


def save(name, files, encode, decode, size, kind=None):
    """encode(text, special) -> ids; decode(ids, skip) -> text"""
    enc = []
    for t in TEXTS:
        try:
            a, b = encode(t, True), encode(t, False)
        except Exception as e:  # the reference refuses it
            if "unk" not in str(e).lower():
                raise
            continue
        enc.append([t, a, b])
    dec = []
    lists = [e[1] for e in enc[:60]] + [[R.randrange(size) for _ in range(R.randint(1, 12))] for _ in range(80)]
    for ids in lists:
        try:
            dec.append([ids, decode(ids, False), decode(ids, True)])
        except BaseException as e:  # tokenizers' Strip panics on a token that it strips whole
            if type(e).__name__ != "PanicException":
                raise
    data = {"files": files, "vocab_size": size, "kind": kind, "encode": enc, "decode": dec}
    raw = json.dumps(data, ensure_ascii=True, separators=(",", ":")).encode()
    buf = io.BytesIO()
    with gzip.GzipFile(fileobj=buf, mode="wb", compresslevel=9, mtime=0) as z:
        z.write(raw)
    open(os.path.join(OUT, name + ".json.gz"), "wb").write(buf.getvalue())
    written.append((name, len(buf.getvalue()), len(enc), len(dec)))


def hugging_face():
    from tokenizers import Tokenizer, AddedToken, Regex, models, normalizers as N, pre_tokenizers as P, processors as S, decoders as D, trainers as T

    def keep(name, tok, size=None):
        save(name, {"tokenizer.json": tok.to_str()}, lambda t, s: tok.encode(t, add_special_tokens=s).ids,
             lambda ids, skip: tok.decode(ids, skip_special_tokens=skip), size or tok.get_vocab_size())
        json_file = json.loads(tok.to_str())
        return json_file

    def bpe(norm=None, pre=None, dec=None, post=None, model=None, alphabet=(), special=("<unk>", "<s>", "</s>", "[MASK]"), size=600, **kw):
        t = Tokenizer(models.BPE(**(model or {})))
        t.normalizer, t.pre_tokenizer, t.decoder = norm or N.Sequence([]), pre or P.Sequence([]), dec or D.Fuse()
        tk = {k: kw[k] for k in ("continuing_subword_prefix", "end_of_word_suffix") if k in kw}
        t.train_from_iterator(CORPUS, T.BpeTrainer(vocab_size=size, special_tokens=list(special), initial_alphabet=list(alphabet), show_progress=False, limit_alphabet=120, **tk))
        if not norm: t.normalizer = None
        if not pre: t.pre_tokenizer = None
        if post: t.post_processor = post(t)
        return t

    full = P.ByteLevel.alphabet()
    template = lambda t: S.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", t.token_to_id("<s>")), ("</s>", t.token_to_id("</s>"))])

    # byte-level, as GPT-2 and everybody since
    keep("bpe_gpt2", bpe(pre=P.ByteLevel(add_prefix_space=False), dec=D.ByteLevel(), alphabet=full))
    keep("bpe_gpt2_prefix", bpe(pre=P.ByteLevel(add_prefix_space=True), dec=D.ByteLevel(), alphabet=full, post=template))
    keep("bpe_roberta", bpe(pre=P.ByteLevel(add_prefix_space=False), dec=D.ByteLevel(), alphabet=full,
         post=lambda t: S.RobertaProcessing(sep=("</s>", 2), cls=("<s>", 1))))
    patterns = {
        "llama3": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        "o200k": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        "kimi": r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        "lookbehind": r"(?<=\d)(?=(\d{3})+\b)|\d+|(?<!a)b|\w+?x|\W",
        "right_to_left_digits": r"\p{N}{1,3}(?=(?:\p{N}{3})*(?:\P{N}|$))|\p{L}+|\s+|.",
        "repeats": r"(?:ab|a)*b?|(?>a+)c|[a-z&&[^aeiou]]+|\bthe\b|(x|y|z){2,}|\p{N}{1,2}+",
        "lazy": r"t.*?e|\S+?\s|.",
    }
    for name, p in patterns.items():
        keep("bpe_pattern_" + name, bpe(pre=P.Sequence([P.Split(Regex(p), "isolated"), P.ByteLevel(add_prefix_space=False, use_regex=False)]), dec=D.ByteLevel(), alphabet=full))
    keep("bpe_nfc_digits", bpe(norm=N.NFC(), pre=P.Sequence([P.Digits(individual_digits=True), P.ByteLevel(add_prefix_space=False)]), dec=D.ByteLevel(), alphabet=full))
    keep("bpe_norm_bytelevel", bpe(norm=N.ByteLevel(), pre=P.Split(" ", "merged_with_next"), dec=D.ByteLevel(), alphabet=full))

    # added tokens
    t = bpe(norm=N.Lowercase(), pre=P.ByteLevel(add_prefix_space=False), dec=D.ByteLevel(), alphabet=full)
    t.add_tokens([AddedToken("<|x|>", lstrip=True, rstrip=True, normalized=False), AddedToken("Add", single_word=True, normalized=True),
                  AddedToken("  ", normalized=False), AddedToken("ßx", normalized=True, lstrip=True), AddedToken("é", normalized=False)])
    t.add_special_tokens([AddedToken("[CLS]", lstrip=True, special=True, normalized=False), AddedToken("[UNK]", rstrip=True, special=True, normalized=True)])
    keep("bpe_added", t)

    # SentencePiece's BPE, as Llama 2, Mistral and Gemma
    byte_tokens = ["<0x%02X>" % b for b in range(256)]
    spm_decoder = lambda strip: D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse()] + ([D.Strip(" ", 1, 0)] if strip else []))
    for name, fallback, fuse in (("fallback", True, True), ("fuse", False, True), ("unknown", False, False)):
        keep("bpe_llama2_" + name, bpe(norm=N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")]), dec=spm_decoder(True), post=template,
             model=dict(unk_token="<unk>", byte_fallback=fallback, fuse_unk=fuse), special=["<unk>", "<s>", "</s>"] + (byte_tokens if fallback else []), size=900))
    keep("bpe_gemma", bpe(norm=N.Replace(" ", "▁"), pre=P.Split(" ", "merged_with_previous"), dec=spm_decoder(False),
         model=dict(unk_token="<unk>", byte_fallback=True, fuse_unk=True), special=["<unk>", "<s>", "</s>"] + byte_tokens, size=900))
    for scheme in ("always", "first", "never"):
        for split in (True, False):
            t = bpe(pre=P.Metaspace(prepend_scheme=scheme, split=split), dec=D.Metaspace(prepend_scheme=scheme), post=template,
                    model=dict(unk_token="<unk>", byte_fallback=True, fuse_unk=True), special=["<unk>", "<s>", "</s>"] + byte_tokens, size=900)
            keep("bpe_metaspace_%s_%s" % (scheme, "split" if split else "whole"), t)
    t = bpe(norm=N.Lowercase(), pre=P.WhitespaceSplit(), dec=D.BPEDecoder(suffix="</w>"), model=dict(unk_token="<unk>", end_of_word_suffix="</w>"), end_of_word_suffix="</w>")
    keep("bpe_suffix", t)
    t = bpe(pre=P.WhitespaceSplit(), dec=D.WordPiece(prefix="##"), model=dict(unk_token="<unk>", continuing_subword_prefix="##", fuse_unk=True), continuing_subword_prefix="##")
    keep("bpe_prefix", t)
    keep("bpe_ignore_merges", bpe(pre=P.ByteLevel(add_prefix_space=False), dec=D.ByteLevel(), alphabet=full, model=dict(ignore_merges=True)))

    # every pre-tokenizer, over a WordLevel vocabulary of characters and words
    pres = {
        "bert": P.BertPreTokenizer(), "whitespace": P.Whitespace(), "whitespace_split": P.WhitespaceSplit(), "punctuation": P.Punctuation(),
        "digits": P.Digits(), "delimiter": P.CharDelimiterSplit("-"), "scripts": P.UnicodeScripts(), "fixed": P.FixedLength(3),
    }
    for b in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
        pres["split_" + b] = P.Split(Regex(r"\s|[aeiou]"), b)
        pres["split_invert_" + b] = P.Split(Regex(r"\w+"), b, invert=True)
        pres["punctuation_" + b] = P.Punctuation(b)
    for name, pre in pres.items():
        pieces = {"<unk>"}
        for x in TEXTS + CORPUS:
            pieces.update(p for p, _ in pre.pre_tokenize_str(x))
        vocab = {p: i for i, p in enumerate(sorted(pieces, key=lambda p: (p != "<unk>", p))) if i == 0 or i % 5}  # a fifth is unknown
        vocab = {p: i for i, p in enumerate(vocab)}
        t = Tokenizer(models.WordLevel(vocab, unk_token="<unk>")); t.pre_tokenizer = pre
        keep("pre_" + name, t)

    # every normalizer, the result cut into characters
    norms = {
        "nfc": N.NFC(), "nfd": N.NFD(), "nfkc": N.NFKC(), "nfkd": N.NFKD(), "lowercase": N.Lowercase(), "strip": N.Strip(), "strip_left": N.Strip(right=False),
        "strip_accents": N.Sequence([N.NFD(), N.StripAccents()]), "nmt": N.Nmt(), "prepend": N.Prepend("▁x"), "replace": N.Replace("a", ""), "replace_regex": N.Replace(Regex(r"\s+|e"), "_"),
        "bert": N.BertNormalizer(), "bert_cased": N.BertNormalizer(lowercase=False), "bert_accents": N.BertNormalizer(lowercase=False, strip_accents=True, handle_chinese_chars=False),
        "bert_raw": N.BertNormalizer(clean_text=False, handle_chinese_chars=False, lowercase=True, strip_accents=False),
    }
    for name, norm in norms.items():
        chars = set()
        for x in TEXTS:
            chars.update(norm.normalize_str(x))
        vocab = {c: i for i, c in enumerate(["<unk>"] + sorted(chars))}
        t = Tokenizer(models.BPE(vocab, [], unk_token="<unk>")); t.normalizer = norm; t.decoder = D.Fuse()
        keep("norm_" + name, t)

    # WordPiece
    for name, cased, post in (("bert", False, True), ("cased", True, False)):
        t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100 if post else 12))
        t.normalizer, t.pre_tokenizer, t.decoder = N.BertNormalizer(lowercase=not cased), P.BertPreTokenizer(), D.WordPiece(cleanup=not cased)
        t.train_from_iterator(CORPUS, T.WordPieceTrainer(vocab_size=500, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False, limit_alphabet=90))
        if post: t.post_processor = S.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
        keep("wordpiece_" + name, t)

    # Unigram, with the character map of SentencePiece's nmt_nfkc
    import sentencepiece as spm
    charsmap = charsmap_of(spm)
    for name, fallback, norm in (("t5", False, N.Sequence([N.Precompiled(charsmap), N.Replace(Regex(" {2,}"), " ")])), ("plain", False, None), ("fallback", True, N.Precompiled(charsmap))):
        t = Tokenizer(models.Unigram()); t.pre_tokenizer = P.Metaspace(); t.decoder = D.Metaspace()
        if norm: t.normalizer = norm
        special = ["<unk>", "<s>", "</s>"] + (byte_tokens if fallback else [])
        t.train_from_iterator(CORPUS, T.UnigramTrainer(vocab_size=700 + 256 * fallback, special_tokens=special, unk_token="<unk>", show_progress=False))
        if fallback:
            j = json.loads(t.to_str()); j["model"]["byte_fallback"] = True
            j["decoder"] = {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}]}
            t = Tokenizer.from_str(json.dumps(j))
        t.post_processor = template(t)
        keep("unigram_" + name, t)

    # decoders that nothing above has
    chars = {c: i for i, c in enumerate(["<unk>", "<pad>", "|", "▁", "a", "b", " .", " do not", " n't", "<0xE2>", "<0x82>", "<0xAC>", "<0xZZ>", "x▁y", "aab", ""])}
    for name, dec in {"ctc": D.CTC(), "ctc_raw": D.CTC(cleanup=False), "fallback": D.ByteFallback(), "strip": D.Strip("a", 1, 1), "none": None, "wordpiece": D.WordPiece("a")}.items():
        t = Tokenizer(models.WordLevel(dict(chars), unk_token="<unk>"))
        if dec: t.decoder = dec
        keep("decoder_" + name, t)


def charsmap_of(spm):
    """the character map that sentencepiece puts into a model by default"""
    from sentencepiece import sentencepiece_model_pb2 as pb
    m = pb.ModelProto()
    m.ParseFromString(train_spm(spm, "charsmap", model_type="unigram", vocab_size=300))
    return m.normalizer_spec.precompiled_charsmap


def train_spm(spm, name, **options):
    out = io.BytesIO()
    spm.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=out, minloglevel=2, num_threads=1, hard_vocab_limit=options.get("model_type") != "unigram", **options)
    return out.getvalue()


def sentencepiece_models():
    import sentencepiece as spm
    kinds = {
        "unigram": dict(model_type="unigram", vocab_size=500),
        "unigram_fallback": dict(model_type="unigram", vocab_size=800, byte_fallback=True, split_digits=True),
        "unigram_identity": dict(model_type="unigram", vocab_size=500, normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=False),
        "unigram_defined": dict(model_type="unigram", vocab_size=500, user_defined_symbols=["<|x|>", "ADD", "[MASK]"], control_symbols=["<ctl>"]),
        "bpe": dict(model_type="bpe", vocab_size=600),
        "bpe_llama": dict(model_type="bpe", vocab_size=900, byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True, allow_whitespace_only_pieces=True),
        "bpe_defined": dict(model_type="bpe", vocab_size=900, byte_fallback=True, user_defined_symbols=["<|x|>", "ADD", "  "], normalization_rule_name="nmt_nfkc_cf"),
        "bpe_suffix": dict(model_type="bpe", vocab_size=600, treat_whitespace_as_suffix=True),
    }
    for name, options in kinds.items():
        blob = train_spm(spm, name, **options)
        p = spm.SentencePieceProcessor(model_proto=blob)
        # Special tokens around a text are the caller's: BOS before it here.
        save("spm_" + name, {"tokenizer.model": base64.b64encode(blob).decode()}, lambda t, s: ([p.bos_id()] if s else []) + p.encode(t),
             lambda ids, skip: p.decode([i for i in ids if not (skip and p.is_control(i))]), p.vocab_size(), "sentencepiece")


def tiktokens():
    import tiktoken
    from tokenizers import Tokenizer, models, pre_tokenizers as P, trainers as T
    t = Tokenizer(models.BPE()); t.pre_tokenizer = P.ByteLevel(add_prefix_space=False)
    t.train_from_iterator(CORPUS, T.BpeTrainer(vocab_size=700, initial_alphabet=P.ByteLevel.alphabet(), show_progress=False))
    back = bytes_of_alphabet()
    order = sorted(t.get_vocab().items(), key=lambda kv: kv[1])
    ranks = {bytes(back[c] for c in tok): i for i, (tok, _) in enumerate(order)}
    lines = "".join("%s %d\n" % (base64.b64encode(b).decode(), i) for b, i in ranks.items())
    kimi = "|".join([r"[\p{Han}]+", r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
                     r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
                     r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
    n = len(ranks)
    special = {"[BOS]": n, "[EOS]": n + 1, "<|im_end|>": n + 2, "[PAD]": n + 3}
    e = tiktoken.Encoding("kimi", pat_str=kimi, mergeable_ranks=ranks, special_tokens=special)
    config = {"tokenizer_class": "TikTokenTokenizer", "bos_token": "[BOS]", "eos_token": "[EOS]", "pad_token": "[PAD]", "additional_special_tokens": ["<|im_end|>"],
              "added_tokens_decoder": {str(i): {"content": s, "special": True, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False} for s, i in special.items()}}
    save("tiktoken_kimi", {"tiktoken.model": lines, "tokenizer_config.json": json.dumps(config), "config.json": '{"model_type":"kimi_k2"}'},
         lambda t, s: e.encode(t, allowed_special="all"), lambda ids, skip: e.decode([i for i in ids if not (skip and i >= n)]), n + len(special), "tiktoken")


def bytes_of_alphabet():
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    back, n = {chr(b): b for b in keep}, 0
    for b in range(256):
        if b not in keep:
            back[chr(256 + n)] = b
            n += 1
    return back


def tekken():
    """the first tokens of a tekken file that mistral-common carries"""
    import mistral_common
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer
    path = os.path.join(os.path.dirname(mistral_common.__file__), "data", "tekken_240911.json")
    j = json.load(open(path))
    j["vocab"] = j["vocab"][:9000]
    j["config"]["num_vocab_tokens"] = 9000
    j["config"]["default_vocab_size"] = 9000 + j["config"]["default_num_special_tokens"]
    for extra in ("multimodal", "image", "audio"):
        j.pop(extra, None)
    with tempfile.TemporaryDirectory() as d:
        f = os.path.join(d, "tekken.json")
        json.dump(j, open(f, "w"))
        t = Tekkenizer.from_file(f)
        from mistral_common.tokens.tokenizers.base import SpecialTokenPolicy as Policy
        save("tekken", {"tekken.json": json.dumps(j)}, lambda s, special: t.encode(s, bos=special, eos=False),
             lambda ids, skip: t.decode(ids, special_token_policy=Policy.IGNORE if skip else Policy.KEEP), t.n_words, "tekken")


def vocab_and_merges():
    from tokenizers import Tokenizer, models, pre_tokenizers as P, decoders as D, trainers as T
    from transformers import Qwen2TokenizerFast, GPT2TokenizerFast
    t = Tokenizer(models.BPE()); t.pre_tokenizer = P.ByteLevel(add_prefix_space=False)
    t.train_from_iterator(CORPUS, T.BpeTrainer(vocab_size=600, initial_alphabet=P.ByteLevel.alphabet(), special_tokens=["<|endoftext|>"], show_progress=False))
    for name, cls in (("qwen2", Qwen2TokenizerFast), ("gpt2", GPT2TokenizerFast)):
        with tempfile.TemporaryDirectory() as d:
            t.model.save(d)
            files = {f: open(os.path.join(d, f), encoding="utf-8").read() for f in ("vocab.json", "merges.txt")}
            files["tokenizer_config.json"] = json.dumps({"tokenizer_class": cls.__name__.replace("Fast", ""), "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"})
            for f, text in files.items():
                open(os.path.join(d, f), "w", encoding="utf-8").write(text)
            k = cls.from_pretrained(d)
            save("vocab_merges_" + name, files, lambda s, special: k.encode(s, add_special_tokens=special),
                 lambda ids, skip: k.decode(ids, skip_special_tokens=skip, clean_up_tokenization_spaces=False), k.vocab_size)


if __name__ == "__main__":
    os.makedirs(OUT, exist_ok=True)
    only = sys.argv[1:]
    for make in (hugging_face, sentencepiece_models, tiktokens, tekken, vocab_and_merges):
        if not only or make.__name__ in only:
            make()
    for row in written:
        print("%-36s %7d bytes, %d texts, %d id lists" % row)
