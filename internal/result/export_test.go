package result

// For the tests outside of the package, which use resulttest.
var (
	GoldenTexts = goldenTexts
	Filled      = filled
)

// OverwrittenNumber reports whether a user's metadata took the place of a number.
func OverwrittenNumber(text []byte) bool {
	f, err := Parse(text)
	return err == nil && f.NumPrompts == nil
}
