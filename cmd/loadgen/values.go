package main

import (
	"loadgen/internal/bench"
	"loadgen/internal/result"
)

// checkValues checks all that the command line says, as far as that shows before anything is
// started, asked or sent, and the files that it names.
func (c *config) checkValues(s streams) error {
	if err := bench.Check(&c.Settings); err != nil {
		return err
	}
	if _, _, err := c.Items(); err != nil {
		return err
	}
	if err := bench.CheckFiles(&c.Settings, s.lookup); err != nil {
		return err
	}
	if c.SaveResult {
		_, err := result.WantPyTorch(s.env(result.PyTorchEnv))
		return err
	}
	return nil
}
