// Start prints how long a program takes from its start to its end: the least and the median of
// 40 times.
//
//	go run ./bench/start PROGRAM ARGUMENT...
package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "start: which program? start PROGRAM ARGUMENT...")
		os.Exit(2)
	}
	var took []time.Duration
	for range 40 {
		begun := time.Now()
		if err := exec.Command(os.Args[1], os.Args[2:]...).Run(); err != nil {
			fmt.Fprintln(os.Stderr, "start:", err)
			os.Exit(1)
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	fmt.Printf("start to end: median %.1f ms, least %.1f ms\n", took[len(took)/2].Seconds()*1e3, took[0].Seconds()*1e3)
}
