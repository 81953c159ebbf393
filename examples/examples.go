// Package examples holds the comparison plans that the program carries with it.
package examples

import "embed"

// Plans are the plans, NAME.yaml, and under config/ what the commands in them need.
//
//go:embed *.yaml config/*.yaml
var Plans embed.FS
