package ranks

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		env  []string
		want Rank
	}{
		{[]string{"SLURM_PROCID", "2", "SLURM_NTASKS", "4"}, Rank{2, 4, "SLURM_PROCID, SLURM_NTASKS"}},
		{[]string{"SLURM_PROCID", "1", "SLURM_NTASKS", "8", "SLURM_STEP_NUM_TASKS", "2"}, Rank{1, 2, "SLURM_PROCID, SLURM_STEP_NUM_TASKS"}},
		{[]string{"OMPI_COMM_WORLD_RANK", "3", "OMPI_COMM_WORLD_SIZE", "4", "SLURM_PROCID", "0", "SLURM_NTASKS", "8"}, Rank{3, 4, "OMPI_COMM_WORLD_RANK, OMPI_COMM_WORLD_SIZE"}},
		{[]string{"PMI_RANK", "0", "PMI_SIZE", "1"}, Rank{0, 1, "PMI_RANK, PMI_SIZE"}},
		{[]string{"JOB_COMPLETION_INDEX", "5", "LOADGEN_SIZE", "6"}, Rank{5, 6, "JOB_COMPLETION_INDEX, LOADGEN_SIZE"}},
	} {
		if got, err := Find(env(c.env...)); err != nil || got != c.want {
			t.Errorf("%q: %+v, %v", c.env, got, err)
		}
	}
	if _, err := Find(env("LOADGEN_SIZE", "4", "PMI_RANK", "")); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	for _, c := range [][2]string{
		{"JOB_COMPLETION_INDEX=1", "LOADGEN_SIZE is not set"},
		{"PMI_RANK=4,PMI_SIZE=4", "they are 0 to 3"},
		{"PMI_RANK=x,PMI_SIZE=4", `PMI_RANK is "x" and PMI_SIZE is "4"`},
		{"SLURM_PROCID=0,SLURM_NTASKS=0", "must be 1 to"},
	} {
		var pairs []string
		for _, p := range strings.Split(c[0], ",") {
			name, value, _ := strings.Cut(p, "=")
			pairs = append(pairs, name, value)
		}
		if _, err := Find(env(pairs...)); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v", c[0], err)
		}
	}
	if len(Variables()) != 9 {
		t.Error(Variables())
	}
}

func TestParse(t *testing.T) {
	if s := List([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}); s != "12 ranks (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...)" {
		t.Error(s)
	}
	if r, err := Parse("3/4"); err != nil || r != (Rank{Index: 3, Size: 4}) || r.String() != "rank 3 of 4" {
		t.Error(r, err)
	}
	for _, bad := range []string{"", "3", "4/4", "-1/4", "1/0", "a/b", "1/4/2", "0/99999999"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q is a rank", bad)
		}
	}
}

// TestSharesAddUp: each slot and each request belongs to one rank, and the first requests of
// all, as many as there are slots, are the first of the ranks, as many as each has.
func TestSharesAddUp(t *testing.T) {
	for size := 1; size <= 7; size++ {
		for total := range 30 {
			sum, first := 0, 0
			for index := range size {
				r := Rank{Index: index, Size: size}
				share := r.Share(total)
				sum += share
				for place := range 100 {
					if r.Has(place, 0) != (place%size == index) {
						t.Fatalf("%v: request %d", r, place)
					}
					if share > 0 && r.Has(place, 0) {
						if share--; place < total {
							first++
						}
					}
				}
			}
			if sum != total || first != total {
				t.Errorf("%d ranks: the shares of %d are %d, and %d of the first requests", size, total, sum, first)
			}
		}
	}
	if !(Rank{}).Has(7, 0) || (Rank{}).Share(7) != 7 {
		t.Error("one alone has not all")
	}
	for place := range 10 { // turns of a conversation stay together
		if Owner(place, 3, 4) != 2 {
			t.Error("a conversation is torn")
		}
	}
}

func TestClock(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	// This clock is 100 ms ahead; 2 ms there, 4 ms back.
	c := Exchange{at(1100), at(1002), at(1005), at(1109)}.Clock()
	if c.Offset != 101*time.Millisecond || c.Uncertainty != 3*time.Millisecond+1 {
		t.Errorf("%+v", c)
	}
	worse := Clock{"barrier", 0, time.Second}
	if worse.Better(c) != c || c.Better(worse) != c || (Clock{}).Better(c) != c || c.Better(Clock{}) != c {
		t.Error("not the better one")
	}
	both := Clock{"chrony", 0, time.Millisecond}.Against(Clock{"chrony", 0, 2 * time.Millisecond})
	if both != (Clock{"chrony", 0, 3 * time.Millisecond}) || both.Agrees(c) || !c.Agrees(worse) || (Clock{}).Against(c).Known() {
		t.Errorf("%+v", both)
	}
	far := Clock{"barrier", -3 * time.Second, time.Second}
	if !far.Apart() || c.Apart() || (Clock{"barrier", -3 * time.Second, 2 * time.Second}).Apart() {
		t.Error("apart")
	}
	if s := c.String(); s != "101ms +-3ms (barrier)" || (Clock{}).String() != "not known" {
		t.Error(s)
	}
}
