package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"loadgen/internal/result"
)

func schemaCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:        "schema",
		Usage:       "print the JSON Schema of result files",
		Description: "The schema (draft 2020-12) describes what --save-result writes, with the unit of every key.",
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usageError{errors.New("schema takes no arguments")}
			}
			_, err := s.out.Write(result.Schema())
			return err
		},
	}
}
