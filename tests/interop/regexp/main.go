// Command regexp writes patterns in Go's syntax, valid and invalid ones, and what Go's regexp package says
// of each: "=PATTERN -" when it refuses it, else "=PATTERN NAME=1 NAME=0 ..." for names that match and that
// do not. Patterns and names are in hexadecimal. tests/interop/regexp.c reads this. The same seed gives the
// same lines.
package main

import (
	"bufio"
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"regexp"
	"regexp/syntax"
	"strings"
)

const (
	depthMax     = 5  // groups within groups
	nameMax      = 64 // bytes of a name
	namesOfEach  = 6  // names that are asked for each pattern
	brokenOfTen  = 2  // patterns of ten that are broken after they were written
	strangeOfTen = 2  // pieces of ten that few people write
)

var plain = strings.Split("a b c A B k K s S x 0 1 9 _ - topic chan orders v1", " ")

// What is special, what the two libraries are known to take differently, and what looks like either.
var strange = strings.Split(`\C \Q.\E \Qa+b \E \1 \8 \0 \07 \141 \x61 \x{61} \x{212A} \x6 \x{ \x{} \x{110000} \pL \PL \pN `+
	`\p{Lu} \P{Lu} \p{^Lu} \P{^Nd} \p{Latin} \p{Greek} \p{Common} \p{Any} \p{Foo} \p{} \p \pé \p{L \d \D \s \S \w \W \b `+
	`\B \A \z \Z \K \G \h \N \e \cA \a \f \n \r \t \v \. \- \_ \# \é \[ é ſ K {  } {} {,2} {a} {2 {2,} {1001} {2,1} `+
	`{0} {01} ] [ [] [^] [] ] ^ $ ( ) | * + ? ** *+ ?? +?? [[:alpha:]] [[:^digit:]] [[:foo:]] [[:word:] [:alpha:] `+
	`[\d-z] [a-\d] [b-a] [\C] [\b] [\Qa\E] [\pL-] [^\x{0}-\x{10FFFF}] [\x61-c] (?i) (?-i) (?s) (?m) (?U) (?im-s) (?i-) `+
	`(?) (?-) (?x) (?i (?#c) (?=a) (?!a) (?<=a) (?<!a) (?>a) (?|a) (?P=n) (?P>n) (?R) (?1) (?C) (*UTF) (?P<n>a) (?<n>a) `+
	`(?P<n (?<n (?P<> (?<> (?P<é>a) (?<é>a) (?P<n-x>a) (?P<1>a) (?'n'a) (?P'n'a)`, " ")

var classes = strings.Split(`[ab] [^a] [a-c] [^a-z] [0-9_-] [a\-z] [[:alnum:]_] [\w.-] [.] [A-Z] [^\d] [-a] [a-] []a] `+
	`[^]a] [k-s] [\pL\d] [é-ſ] [^é] [&&a] [a||b]`, " ")
var repeats = strings.Split("* + ? *? +? ?? {2} {0} {1,3} {2,} {0,1} {3}? {10} {100} {1000}", " ")

type writer struct{ *rand.Rand }

func (w writer) of(list []string) string { return list[w.Intn(len(list))] }

func (w writer) atom(depth int) string {
	switch n := w.Intn(20); {
	case n < 2*strangeOfTen:
		return w.of(strange)
	case n < 10 || depth == depthMax:
		return w.of(plain)
	case n < 13:
		return w.of(classes)
	case n < 15:
		return w.of([]string{".", "^", "$", `\.`, `\w`, `\d`, "#ephemeral", ".*"})
	default:
		open := []string{"(", "(", "(?:", "(?i:", "(?s-i:", "(?m:", "(?U:", "(?P<" + w.of(plain) + ">", "(?<" + w.of(plain) + ">"}
		return w.of(open) + w.pattern(depth+1) + ")"
	}
}

func (w writer) pattern(depth int) string {
	var b strings.Builder
	for n := w.Intn(5 - depth/2); n >= 0; n-- {
		b.WriteString(w.atom(depth))
		if w.Intn(3) == 0 {
			b.WriteString(w.of(repeats))
		}
		if w.Intn(8) == 0 {
			b.WriteString("|")
		}
	}
	return b.String()
}

// broken changes a few bytes, which may end within a character.
func (w writer) broken(s string) string {
	b := []byte(s)
	for n := w.Intn(3); n >= 0 && len(b) > 0; n-- {
		at := w.Intn(len(b))
		switch w.Intn(3) {
		case 0:
			b = append(b[:at], b[at+1:]...)
		case 1:
			b = append(b[:at], append([]byte(w.of(strange)), b[at:]...)...)
		default:
			b[at] = `\()[]{}|*+?^$.-:<>Pi,0é`[w.Intn(24)]
		}
	}
	return string(b)
}

// match is a string that the expression describes, assertions aside.
func (w writer) match(re *syntax.Regexp) string {
	var b strings.Builder
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		if len(re.Rune) > 0 {
			at := 2 * w.Intn(len(re.Rune)/2)
			low, high := re.Rune[at], re.Rune[at+1]
			return string(low + rune(w.Intn(int(high-low)%90+1)))
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return w.of(plain)[:1]
	case syntax.OpAlternate:
		return w.match(re.Sub[w.Intn(len(re.Sub))])
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		least, more := map[syntax.Op]int{syntax.OpPlus: 1, syntax.OpRepeat: re.Min}[re.Op], 1
		if re.Op == syntax.OpRepeat && re.Max >= re.Min {
			more = re.Max - re.Min
		} else if re.Op != syntax.OpQuest {
			more = 2
		}
		for n := least + w.Intn(more+1); n > 0 && b.Len() <= nameMax; n-- {
			b.WriteString(w.match(re.Sub[0]))
		}
	default:
		for _, sub := range re.Sub {
			b.WriteString(w.match(sub))
		}
	}
	return b.String()
}

// name is one of ASCII, of at most nameMax bytes, and of the characters of topics and channels mostly.
func (w writer) name(re *syntax.Regexp) string {
	var s string
	switch w.Intn(4) {
	case 0:
		for n := w.Intn(4); n > 0; n-- {
			s += w.of(plain)
		}
	case 1:
		s = w.of(plain) + w.match(re) + w.of(plain)
	default:
		s = w.match(re)
	}
	b := make([]byte, 0, nameMax)
	for i := 0; i < len(s) && len(b) < nameMax; i++ {
		if s[i] > 0 && s[i] < 0x80 {
			b = append(b, s[i])
		}
	}
	return string(b)
}

func main() {
	seed := flag.Int64("seed", 1, "of the generator")
	patterns := flag.Int("patterns", 20000, "how many")
	flag.Parse()
	w := writer{rand.New(rand.NewSource(*seed))}
	_, err := regexp.Compile("(?<n>a)") // since Go 1.22
	knowsShortNames := err == nil
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for i := 0; i < *patterns; i++ {
		pattern := w.pattern(0)
		if w.Intn(10) < brokenOfTen {
			pattern = w.broken(pattern)
		}
		if !knowsShortNames && strings.Contains(pattern, "(?<") {
			continue
		}
		fmt.Fprint(out, "="+hex.EncodeToString([]byte(pattern)))
		compiled, err := regexp.Compile(pattern)
		if err != nil {
			fmt.Fprintln(out, " -")
			continue
		}
		tree, _ := syntax.Parse(pattern, syntax.Perl)
		for n := 0; n < namesOfEach; n++ {
			name, does := w.name(tree), 0
			if compiled.MatchString(name) {
				does = 1
			}
			fmt.Fprintf(out, " %s=%d", hex.EncodeToString([]byte(name)), does)
		}
		fmt.Fprintln(out)
	}
}
