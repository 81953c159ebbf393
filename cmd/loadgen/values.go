package main

import (
	"context"

	"loadgen/internal/bench"
	"loadgen/internal/recording"
	"loadgen/internal/result"
)

// checkValues checks all that the command line says, as far as that shows before anything is
// started, asked or sent, and the files that it names.
func (c *config) checkValues(ctx context.Context, s streams) error {
	if err := bench.Check(&c.Settings); err != nil {
		return err
	}
	if _, _, err := c.Items(); err != nil {
		return err
	}
	if err := bench.CheckFiles(&c.Settings, s.lookup); err != nil {
		return err
	}
	if c.Model == nil && !c.DryRun && c.DatasetPath != nil { // else the file is read before the server is needed
		read := waiting(s, "reading the data set "+recording.Text(c.DatasetPath))
		err := bench.CheckDataset(ctx, &c.Settings)
		read()
		if err != nil {
			return err
		}
	}
	if c.SaveResult {
		_, err := result.WantPyTorch(s.env(result.PyTorchEnv))
		return err
	}
	return nil
}
