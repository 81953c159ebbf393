package result

// ErrorBudget is the measurement error, as far as loadgen measured it. Nothing of
// it is subtracted from any metric.
type ErrorBudget struct {
	// Bounds are by how much each metric can be off, at most.
	Bounds ByMetric[Bound] `json:"bound_ms" unit:"ms"`
	// FirstWave is by how much the first wave's TTFT can be off; only there for closed loops
	// that are longer than their first wave.
	FirstWave *Bound `json:"first_wave_ttft_bound_ms,omitempty" unit:"ms"`
	// IdleShare is the share of the slots' time between the end of an answer and the
	// start of the next request.
	IdleShare float64 `json:"idle_share"`
	// Reasons are why the verdict is not clean.
	Reasons []Reason `json:"reasons"`
	// ScheduleLateness is the time from a request being due to being handed out.
	ScheduleLateness Delays `json:"schedule_lateness_ms" unit:"ms"`
	// SlotWait is the time from being handed out to having a slot: the load's, not an error.
	SlotWait Delays `json:"slot_wait_ms" unit:"ms"`
	// StartDelay is the time from having a slot to the start, which no latency contains.
	StartDelay Delays `json:"start_delay_ms" unit:"ms"`
	// SendDelay is the time from the start to the request being written.
	SendDelay Delays `json:"send_delay_ms" unit:"ms"`
	// Connect is the time from the start to being connected.
	Connect Delays `json:"connect_ms" unit:"ms"`
	// PathRTT are the minimum round trip times, one for each connection.
	PathRTT Delays `json:"path_rtt_ms" unit:"ms"`
	// StampToRead is the time from a stamp of the kernel to the read.
	StampToRead Delays `json:"stamp_to_read_ms" unit:"ms"`
	// LateStamps are by how much timestamps may be late, of those that may be.
	LateStamps Delays `json:"late_stamps_ms" unit:"ms"`
	// RetransmittedSegments is the number of TCP segments that loadgen retransmitted.
	RetransmittedSegments int `json:"retransmitted_segments" unit:"segments"`
	// Clock is the system's clock.
	Clock Clock `json:"clock"`
	// GCPause are the garbage collector's pauses.
	GCPause Delays `json:"gc_pause_ms" unit:"ms"`
	// SchedulerDelay is how long goroutines waited to run.
	SchedulerDelay Delays `json:"scheduler_delay_ms" unit:"ms"`
	// TimerLateness is how late a timer woke the process.
	TimerLateness Delays `json:"timer_lateness_ms" unit:"ms"`
	// Stalls are the times in which the process did not run.
	Stalls Stalls `json:"stalls"`
	// CPU is how busy loadgen and the machine were.
	CPU Load `json:"cpu" from:"system"`
	// Reactors are the threads that carried plain connections, in the order in which they
	// began; not there where each connection had a goroutine.
	Reactors []Reactor `json:"reactors,omitempty"`
}

// Reactor is what the thread of a reactor did.
type Reactor struct {
	// Requests is how many it carried, tests and warm-up left out.
	Requests int `json:"requests" unit:"requests"`
	// CPUShare is its processor time / the run's time.
	CPUShare float64 `json:"cpu_share" from:"system"`
	// Waited is for how long it was ready to run and had no processor.
	Waited float64 `json:"waited_ms" unit:"ms" from:"system"`
	// StampToRead is the time from a stamp of the kernel to its read.
	StampToRead Delays `json:"stamp_to_read_ms" unit:"ms"`
}

// Bound is by how much a metric can be off, at most.
type Bound struct {
	// Mean is by how much its mean can be off.
	Mean float64 `json:"mean"`
	// Median is by how much its median can be off.
	Median float64 `json:"median"`
	// P99 is by how much its 99th percentile can be off.
	P99 float64 `json:"p99"`
	// Bound is the largest of the three.
	Bound float64 `json:"bound"`
	// OfMedian is the metric's median, for the proportion.
	OfMedian float64 `json:"of_median"`
	// Count is the number of values.
	Count int `json:"count" unit:"values"`
}

// Reason is why a verdict is not clean.
type Reason struct {
	// What is the metric (ttft, tpot, itl, e2el), throughput, schedule or clock.
	What string `json:"what"`
	// Bound is by how much it may be off: ms, for throughput a share, for clock a number of steps.
	Bound float64 `json:"bound"`
	// Limit is the most that is clean, in the same unit.
	Limit float64 `json:"limit"`
	// Text is a sentence.
	Text string `json:"text"`
}

// Delays is a distribution of times.
type Delays struct {
	// Count is the number of values.
	Count int `json:"count" unit:"values"`
	// P50 is the median.
	P50 float64 `json:"p50"`
	// P99 is the 99th percentile.
	P99 float64 `json:"p99"`
	// Max is the greatest value.
	Max float64 `json:"max"`
}

// Clock is the system's clock.
type Clock struct {
	// Source is the kernel's clock source.
	Source string `json:"source" from:"system"`
	// Steps are the steps of the wall clock during the run.
	Steps []ClockStep `json:"steps"`
}

// ClockStep is a step of the wall clock.
type ClockStep struct {
	// At is when it was seen, since the run's start.
	At float64 `json:"at_s" unit:"s"`
	// By is by how much.
	By float64 `json:"by_ms" unit:"ms"`
}

// Stalls are the times in which the process did not run.
type Stalls struct {
	// Count is how many there were.
	Count int `json:"count"`
	// Total is their sum.
	Total float64 `json:"total_ms" unit:"ms"`
	// Longest is the longest.
	Longest float64 `json:"longest_ms" unit:"ms"`
}

// Load is how busy loadgen and the machine were.
type Load struct {
	// ProcessCores is loadgen's processor time / the run's time.
	ProcessCores float64 `json:"process_cores" unit:"processors"`
	// Cores is the number of processors that loadgen may use.
	Cores int `json:"cores" unit:"processors"`
	// MachineBusy is the share of the machine's time that was used, null where the system does not say.
	MachineBusy *float64 `json:"machine_busy"`
	// MachineSteal is the share that the hypervisor took, null where the system does not say.
	MachineSteal *float64 `json:"machine_steal"`
	// Cgroup is the cgroup's limit, null without one.
	Cgroup *Cgroup `json:"cgroup"`
}

// Cgroup is a cgroup's limit and its effect.
type Cgroup struct {
	// Cores is the limit.
	Cores float64 `json:"cores" unit:"processors"`
	// Throttled is the time in which the limit kept the process from running.
	Throttled float64 `json:"throttled_ms" unit:"ms"`
	// ThrottledPeriods is the number of periods that were throttled.
	ThrottledPeriods int `json:"throttled_periods"`
}
