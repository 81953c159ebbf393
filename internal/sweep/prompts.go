package sweep

import (
	"hash/fnv"
	"math/big"
)

// mostIDStep bounds the steps, of which there are 9,592.
const mostIDStep = 100_000

// Prompts are the seed of a run's prompts and the step by which random ids go through the
// vocabulary, a prime. They depend on the series' seed and on the name of the run's file: servers
// keep the prompts that they have seen, and runs with different steps have none with a common
// prefix.
func Prompts(seed int, file string) (of, step int) {
	hash := fnv.New32a()
	hash.Write([]byte(file))
	sum := hash.Sum32()
	step = 3 + int(sum%mostIDStep)
	for !big.NewInt(int64(step)).ProbablyPrime(0) { // certain below 2^64
		step++
	}
	return (seed + int(sum)) & (1<<32 - 1), step
}
