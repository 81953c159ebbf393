package answer

// The classes of requests that this program ended on purpose: no failures of the server's.
const (
	Interrupted Class = "interrupted" // the run was interrupted
	Cancelled   Class = "cancelled"   // as the run's settings say
	CutAtEnd    Class = "cut_at_end"  // under way when the run was over
)

// OnPurpose reports whether a class is one of these.
func (c Class) OnPurpose() bool { return c == Interrupted || c == Cancelled || c == CutAtEnd }
