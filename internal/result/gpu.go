package result

// GPU is what the GPUs that could be seen drew and held during a run.
type GPU struct {
	// Source is nvidia-smi, or the URL of an exporter.
	Source string `json:"source"`
	// Energy is the energy of all GPUs, null where one reported no power.
	Energy *float64 `json:"energy_j" unit:"J"`
	// PerOutputToken is the energy for each generated token.
	PerOutputToken *float64 `json:"joules_per_output_token" unit:"J/token"`
	// PerToken is the energy for each token, prompts included.
	PerToken *float64 `json:"joules_per_token" unit:"J/token"`
	// GPUs are the GPUs.
	GPUs []GPUUse `json:"gpus"`
}

// GPUUse is what one GPU drew and held.
type GPUUse struct {
	// GPU is its index, behind its host where an exporter said.
	GPU string `json:"gpu"`
	// Name is its model.
	Name string `json:"name"`
	// Samples is how often it was sampled.
	Samples int `json:"samples"`
	// MeanPower is the time-weighted mean of its power, null where it gave none.
	MeanPower *float64 `json:"mean_power_w" unit:"W"`
	// MaxPower is the maximum of its power.
	MaxPower *float64 `json:"max_power_w" unit:"W"`
	// Energy is its energy.
	Energy *float64 `json:"energy_j" unit:"J"`
	// MeanMemory is the mean of its memory in use.
	MeanMemory float64 `json:"mean_memory_mib" unit:"MiB"`
	// MaxMemory is the maximum of its memory in use.
	MaxMemory float64 `json:"max_memory_mib" unit:"MiB"`
}
