package faults

import "slices"

// All is the catalogue, by name.
func All() []Fault {
	all := slices.Concat(connectionFaults, headFaults, framingFaults, codingFaults, paceFaults, errorFaults, redirectFaults, jsonFaults, usageFaults, eventFaults, endlessFaults, oddHeads, oddEnds, oddEvents)
	slices.SortFunc(all, func(a, b Fault) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return all
}

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
