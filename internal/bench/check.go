package bench

import (
	"loadgen/internal/load"
	"loadgen/internal/recording"
)

// The original's checks that come after parsing, with its messages.

func wrong(setting, text string) error {
	return &recording.SettingError{Setting: setting, Text: text}
}

// checkSeed comes first of all.
func checkSeed(s *recording.Settings) error {
	if s.Seed < 0 || s.Seed > 1<<32-1 {
		return wrong("seed", "Seed must be between 0 and 2**32 - 1")
	}
	return nil
}

// checkDataset reports a data set that the backend cannot carry.
func checkDataset(s *recording.Settings) error {
	if s.DatasetName == "random_image" && !s.Chat() {
		return wrong("dataset_name", "Multi-modal content is only supported on 'openai-chat' backend.")
	}
	return nil
}

// checkBeforeTest comes after the data set and before the test request.
func checkBeforeTest(s *recording.Settings) error {
	if _, err := s.Goals(); err != nil {
		return err
	}
	percentiles, err := s.Percentiles()
	if err != nil {
		return err
	}
	return recording.CheckPercentiles(percentiles)
}

// checkAfterTest comes after the test request, when the traffic has been announced.
func checkAfterTest(s *recording.Settings) error {
	if s.MaxConcurrency != nil && *s.MaxConcurrency < 0 {
		return wrong("max_concurrency", "Semaphore initial value must be >= 0")
	}
	return load.CheckRate(s.RequestRate, s.Burstiness)
}
