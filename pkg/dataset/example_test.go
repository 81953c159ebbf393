package dataset_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"loadgen/pkg/dataset"
)

// wordCounter is a small tokenizer: a token a word.
type wordCounter struct{}

func (wordCounter) Encode(text string, special bool) []int {
	return make([]int, len(strings.Fields(text)))
}
func (wordCounter) Decode(ids []int, skipSpecial bool) string {
	return strings.TrimSpace(strings.Repeat("word ", len(ids)))
}
func (wordCounter) VocabSize() int { return 32000 }

func ExampleLoad() {
	set, err := dataset.Load(context.Background(), dataset.Options{
		Name: "random", FromIDs: true, InputLen: 4, RandomOutputLen: 2, NumPrompts: 2, Tokenizer: wordCounter{},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range set.Requests {
		fmt.Println(r.Prompt, r.PromptLen, r.OutputLen)
	}
	// Output:
	// word word word word 4 2
	// word word word word 4 2
}

// A trace has arrival times.
func ExampleLoad_trace() {
	set, err := dataset.Load(context.Background(), dataset.Options{
		Name: "trace", Path: "../../examples/datasets/mooncake.jsonl", NumPrompts: 3, Speedup: 2, Tokenizer: wordCounter{},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range set.Requests {
		fmt.Println(r.Due, r.PromptLen, r.OutputLen)
	}
	// Output:
	// 0s 1100 12
	// 60ms 1200 20
	// 60ms 300 8
}

// An error says what is wrong, and what kind of help there is.
func ExampleError() {
	_, err := dataset.Load(context.Background(), dataset.Options{
		Name: "trtllm_custom", Path: "../../examples/datasets/prompts.jsonl", NumPrompts: 1, Tokenizer: wordCounter{},
	})
	var bad *dataset.Error
	fmt.Println(errors.As(err, &bad), bad.Kind == dataset.Malformed, bad.Text)
	// Output: true true there is no "input"
}

// A turn is sent with the replies that the server gave to the earlier ones.
func ExampleSet_Chat() {
	set, err := dataset.Load(context.Background(), dataset.Options{
		Name: "conversations", Path: "../../examples/datasets/conversations.jsonl", Chat: true, NumPrompts: 5, RandomOutputLen: 8, Tokenizer: wordCounter{},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, r := range set.Requests {
		if r.Conversation.Number == 1 && strings.HasPrefix(r.Prompt, "Is 91") {
			for _, m := range set.Chat(i, func(int) string { return "(reply)" }) {
				fmt.Println(m.Role+":", m.Content)
			}
		}
	}
	// Output:
	// system: You are a patient teacher.
	// user: What is a prime number?
	// assistant: (reply)
	// user: Is 91 one?
}
