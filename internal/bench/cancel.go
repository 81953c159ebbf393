package bench

import (
	"loadgen/internal/load"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
)

// checkCancel checks what is said of the requests that are cancelled.
func checkCancel(s *recording.Settings) error {
	c, err := s.Cancellation()
	if err == nil && c.Tokens > 0 && s.NonStreaming {
		return wrong("cancel_after", "whole answers have no tokens on their way: give a time, such as 500ms")
	}
	return err
}

// cancelled is the request at a place of the plan as it is sent: one of those that are to be cancelled knows when.
func (b *Bench) cancelled(place int, p *client.Prepared) *client.Prepared {
	c := b.cancel
	if p == nil || c.Share == 0 || !load.Chosen(uint32(b.s.Seed), place, c.Share) {
		return p
	}
	return p.CancelAfter(c.Tokens, c.After)
}
