package tokenizer

import (
	"strings"
	"unicode"
)

// property returns the set of a general category, a script or one of a few other
// properties, by its short or long name; nil if it is not known.
func property(name string) *runeSet {
	for _, prefix := range []string{"gc=", "sc=", "Script=", "General_Category="} {
		name = strings.TrimPrefix(name, prefix)
	}
	if long := longNames[strings.ToLower(name)]; long != "" {
		name = long
	}
	switch name {
	case "C":
		return &runeSet{tables: categories("L", "M", "N", "P", "S", "Z"), invert: true}
	case "Cn":
		return &runeSet{tables: categories("L", "M", "N", "P", "S", "Z", "Cc", "Cf", "Co", "Cs"), invert: true}
	case "LC", "L&":
		return &runeSet{tables: categories("Lu", "Ll", "Lt")}
	}
	if t := category(name); t != nil {
		return &runeSet{tables: t}
	}
	for script, table := range unicode.Scripts {
		if strings.EqualFold(script, name) {
			return &runeSet{tables: []*unicode.RangeTable{table, ranges(newerScripts[script])}}
		}
	}
	if s := ctype(strings.ToLower(name)); s != nil {
		return s
	}
	if t := unicode.Properties[name]; t != nil {
		return &runeSet{tables: []*unicode.RangeTable{t}}
	}
	return nil
}

// longNames are the general categories by their long names.
var longNames = map[string]string{
	"letter": "L", "uppercase_letter": "Lu", "lowercase_letter": "Ll", "titlecase_letter": "Lt", "modifier_letter": "Lm", "other_letter": "Lo",
	"cased_letter": "LC", "mark": "M", "nonspacing_mark": "Mn", "spacing_mark": "Mc", "enclosing_mark": "Me",
	"number": "N", "decimal_number": "Nd", "letter_number": "Nl", "other_number": "No",
	"punctuation": "P", "symbol": "S", "math_symbol": "Sm", "currency_symbol": "Sc", "modifier_symbol": "Sk", "other_symbol": "So",
	"separator": "Z", "space_separator": "Zs", "line_separator": "Zl", "paragraph_separator": "Zp",
	"other": "C", "control": "Cc", "format": "Cf", "private_use": "Co", "unassigned": "Cn",
}

// ctype returns the set of a class such as [:alpha:], nil if there is none. That of
// punctuation is the property; the class has symbols as well.
func ctype(name string) *runeSet {
	switch name {
	case "alpha", "alphabetic":
		return &runeSet{tables: alphabetic()}
	case "alnum":
		return &runeSet{tables: append(alphabetic(), category("Nd")...)}
	case "upper", "uppercase":
		return &runeSet{tables: append(category("Lu"), unicode.Other_Uppercase)}
	case "lower", "lowercase":
		return &runeSet{tables: append(category("Ll"), unicode.Other_Lowercase)}
	case "digit":
		return &runeSet{tables: category("Nd")}
	case "punct":
		return &runeSet{tables: category("P")}
	case "space", "white_space":
		return &runeSet{tables: []*unicode.RangeTable{unicode.White_Space}}
	case "blank":
		return &runeSet{tables: category("Zs"), runes: []rune{'\t', '\t'}}
	case "cntrl":
		return &runeSet{tables: category("Cc")}
	case "xdigit":
		return &runeSet{tables: []*unicode.RangeTable{unicode.ASCII_Hex_Digit}}
	case "word":
		return &runeSet{tables: words()}
	case "graph":
		return &runeSet{tables: categories("L", "M", "N", "P", "S", "Cf", "Co")}
	case "print":
		return &runeSet{tables: categories("L", "M", "N", "P", "S", "Cf", "Co", "Zs")}
	case "ascii":
		return &runeSet{runes: []rune{0, unicode.MaxASCII}}
	case "any":
		return &runeSet{runes: []rune{0, unicode.MaxRune}}
	case "assigned":
		return &runeSet{tables: categories("L", "M", "N", "P", "S", "Z", "Cc", "Cf", "Co", "Cs")}
	}
	return nil
}

func categories(names ...string) (tables []*unicode.RangeTable) {
	for _, name := range names {
		tables = append(tables, category(name)...)
	}
	return tables
}

func alphabetic() []*unicode.RangeTable {
	return append(categories("L", "Nl"), unicode.Other_Alphabetic, ranges(newerAlphabetic))
}
