package judge

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Share is how many of the values of some requests meet a bound.
type Share struct {
	Value float64 // of 1
	// Of is how many independent values say as much as these.
	Of float64
	// Cluster is how many requests say as much as one that is independent of the others of its run;
	// 0 where all values meet the bound, or none, and nothing is known of that.
	Cluster float64
}

// ShareOf is the share of the ones among the values 0 and 1 of requests, run by run in the
// order of the starts. Requests that miss a bound come in clusters, and so do the values of
// a request: by the long-run variance of batch means as many values are worth fewer
// independent ones (the effective sample size of Korn and Graubard, Survey Methodology 24,
// 1998), and never more than there are requests.
func ShareOf(runs [][][]float64) Share {
	var all [][]float64
	for _, r := range runs {
		all = append(all, r...)
	}
	sum, count := 0.0, 0
	for _, values := range all {
		for _, v := range values {
			sum += v
		}
		count += len(values)
	}
	if count == 0 {
		return Share{Value: math.NaN()}
	}
	s := Share{Value: sum / float64(count), Of: float64(len(all))}
	if s.Value <= 0 || s.Value >= 1 { // nothing varies, and nothing is known of clusters
		return s
	}
	off := make([]float64, len(all)) // by how much each request moves the share
	for i, values := range all {
		for _, v := range values {
			off[i] += v - s.Value
		}
	}
	variance := longRunVariance(off)
	at := 0
	for _, r := range runs { // what the requests of a run have in common
		run := 0.0
		for range r {
			run += off[at]
			at++
		}
		if len(runs) > 2 {
			variance.between += run * run * float64(len(runs)) / float64(len(runs)-1)
		}
	}
	n := float64(count)
	s.Cluster = max(1, variance.within/(n*n)/(s.Value*(1-s.Value))*float64(len(all)))
	if v := max(variance.within, variance.between) / (n * n); v > 0 {
		s.Of = min(s.Of, s.Value*(1-s.Value)/v)
	}
	return s
}

type sumVariance struct{ within, between float64 }

// longRunVariance is the variance of a sum of dependent values, by batch means.
func longRunVariance(x []float64) (v sumVariance) {
	length, lost := blockLength(x)
	blocks := 0
	for from := 0; from < len(x); from += length {
		sum := 0.0
		for _, one := range x[from:min(from+length, len(x))] {
			sum += one
		}
		v.within += sum * sum
		blocks++
	}
	if blocks > 1 {
		v.within *= float64(blocks) / float64(blocks-1) / (1 - lost)
	}
	return v
}

// Low is the lower bound of the share that holds with a probability of 1-alpha (Clopper and
// Pearson 1934, for the effective number of values).
func (s Share) Low(alpha float64) float64 {
	met := s.Value * s.Of
	if !(met > 0) {
		return 0
	}
	return mathext.InvRegIncBeta(met, s.Of-met+1, alpha)
}

// High is the upper bound of the share that holds with a probability of 1-alpha.
func (s Share) High(alpha float64) float64 {
	met := s.Value * s.Of
	if !(met < s.Of) {
		return 1
	}
	return mathext.InvRegIncBeta(met+1, s.Of-met, 1-alpha)
}

// NeededForShare is how many requests show a share at the least, where all of them meet the
// bound: those of which it is probable by alpha that none fails by chance.
func NeededForShare(share, alpha float64) int {
	if share <= 0 {
		return 1
	}
	return int(math.Ceil(math.Log(alpha) / math.Log(share)))
}
