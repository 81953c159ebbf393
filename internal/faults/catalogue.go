package faults

import (
	"cmp"
	"slices"
)

// Group is the faults of one kind, by name.
type Group struct {
	Kind   string
	Faults []Fault
}

// Groups is the catalogue by kind.
func Groups() []Group {
	groups := []Group{
		{"connection, chunks, lengths", slices.Concat(connectionFaults, framingFaults, oddEnds)},
		{"status, headers, redirects", slices.Concat(headFaults, redirectFaults, oddHeads)},
		{"compression", codingFaults},
		{"pace and size", paceFaults},
		{"endless or huge", endlessFaults},
		{"errors", errorFaults},
		{"events", slices.Concat(eventFaults, oddEvents)},
		{"JSON", jsonFaults},
		{"usage", usageFaults},
	}
	for i := range groups {
		groups[i].Faults = slices.SortedFunc(slices.Values(groups[i].Faults), byName)
	}
	return groups
}

// All is the catalogue, by name.
func All() (all []Fault) {
	for _, g := range Groups() {
		all = append(all, g.Faults...)
	}
	slices.SortFunc(all, byName)
	return all
}

func byName(a, b Fault) int { return cmp.Compare(a.Name, b.Name) }

// both is a fault with one outcome.
func both(name string, of Outcome, serve func(x *Exchange) error) Fault {
	return Fault{name, of, of, serve}
}

// raw sends text in place of an answer and waits for the client to leave.
func raw(text func(x *Exchange) string) func(x *Exchange) error {
	return func(x *Exchange) error {
		if err := x.send(text(x)); err != nil {
			return err
		}
		return x.hang()
	}
}

func constant(text string) func(x *Exchange) string { return func(*Exchange) string { return text } }
