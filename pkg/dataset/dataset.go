// Package dataset makes the requests of a run: what to send, before anything
// is sent. One file a data set.
package dataset

// Request is one prompt and what is known of it beforehand.
type Request struct {
	// Prompt is the text to send; unused when IDs is set.
	Prompt string
	// IDs are token ids sent in place of text (--tokenize-on-client); nil for text.
	IDs []int
	// PromptLen is the nominal prompt length in tokens, as the data set counts it.
	PromptLen int
	// OutputLen is the number of tokens asked for.
	OutputLen int
	// LoRA is the model name drawn for this request; "" when none was.
	LoRA string
}

// Tokenizer is what data sets need of a tokenizer. It must be safe for
// concurrent use.
type Tokenizer interface {
	// Encode returns the ids of text, with the special tokens the tokenizer
	// adds around a text (BOS) if special is set.
	Encode(text string, special bool) []int
	// Decode returns the text of ids, without the special tokens among them if
	// skipSpecial is set, spaces cleaned up as the tokenizer's settings say.
	Decode(ids []int, skipSpecial bool) string
	// VocabSize is the size of the model's vocabulary, added tokens not counted.
	VocabSize() int
}
