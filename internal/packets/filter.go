package packets

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/bpf"
)

// What the filter reads of a packet, from its IP header on.
const (
	etherIPv4, etherIPv6 = 0x0800, 0x86dd
	outgoing             = 4      // the kernel's packet type of what this machine sends
	fragmented           = 0x3fff // more fragments, or an offset
	finFlag, synFlag     = 1, 2
)

// filter is the program by which the kernel chooses what to copy of each packet: nothing, unless
// it is a TCP segment that one of the servers sent and that has data, is the answer to a SYN or
// ends the connection (FIN); of this all up to the end of the fixed part of the TCP header, which is before any payload.
func filter(servers []netip.AddrPort) ([]bpf.RawInstruction, error) {
	four, six := filter4(servers), filter6(servers)
	program := []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtType},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: outgoing, SkipTrue: 1},
		bpf.RetConstant{},
		bpf.LoadExtension{Num: bpf.ExtProto},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherIPv4, SkipTrue: 3},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: etherIPv6, SkipTrue: 1},
		bpf.Jump{Skip: uint32(len(four)) + 1},
		bpf.RetConstant{},
	}
	program = append(program, four...)
	return bpf.Assemble(append(program, six...))
}

// require ends the program with nothing copied unless the accumulator passes the test.
func require(cond bpf.JumpTest, val uint32) []bpf.Instruction {
	return []bpf.Instruction{bpf.JumpIf{Cond: cond, Val: val, SkipTrue: 1}, bpf.RetConstant{}}
}

// filter4 is the part for IPv4. The index register holds the length of the IP header.
func filter4(servers []netip.AddrPort) []bpf.Instruction {
	var program []bpf.Instruction
	add := func(is ...bpf.Instruction) { program = append(program, is...) }
	add(bpf.LoadAbsolute{Off: 9, Size: 1})
	add(require(bpf.JumpEqual, tcp)...)
	add(bpf.LoadAbsolute{Off: 6, Size: 2})
	add(require(bpf.JumpBitsNotSet, fragmented)...)
	add(bpf.LoadMemShift{Off: 0})
	var some []bpf.Instruction
	for i := len(servers) - 1; i >= 0; i-- { // each jumps over those behind it
		a := servers[i]
		if !a.Addr().Is4() {
			continue
		}
		ip := a.Addr().As4()
		some = append([]bpf.Instruction{
			bpf.LoadAbsolute{Off: 12, Size: 4},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(ip[:]), SkipTrue: 3},
			bpf.LoadIndirect{Off: 0, Size: 2},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(a.Port()), SkipTrue: 1},
			bpf.Jump{Skip: uint32(len(some)) + 1},
		}, some...)
	}
	add(some...)
	add(bpf.RetConstant{})
	add(worthwhile(
		[]bpf.Instruction{bpf.LoadAbsolute{Off: 2, Size: 2}},
		[]bpf.Instruction{ // the length of both headers
			bpf.LoadIndirect{Off: 12, Size: 1},
			bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf0},
			bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 2},
			bpf.ALUOpX{Op: bpf.ALUOpAdd},
			bpf.TAX{},
		},
		[]bpf.Instruction{bpf.LoadMemShift{Off: 0}, bpf.LoadIndirect{Off: 13, Size: 1}},
	)...)
	add(bpf.LoadMemShift{Off: 0}, bpf.TXA{}, bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: tcpHeader}, bpf.RetA{})
	return program
}

// filter6 is the part for IPv6, without extension headers.
func filter6(servers []netip.AddrPort) []bpf.Instruction {
	var program []bpf.Instruction
	add := func(is ...bpf.Instruction) { program = append(program, is...) }
	add(bpf.LoadAbsolute{Off: 6, Size: 1})
	add(require(bpf.JumpEqual, tcp)...)
	var some []bpf.Instruction
	for i := len(servers) - 1; i >= 0; i-- {
		a := servers[i]
		if !a.Addr().Is6() {
			continue
		}
		ip := a.Addr().As16()
		var one []bpf.Instruction
		for k := range 4 {
			one = append(one, bpf.LoadAbsolute{Off: uint32(8 + 4*k), Size: 4},
				bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(ip[4*k:]), SkipTrue: uint8(9 - 2*k)})
		}
		one = append(one, bpf.LoadAbsolute{Off: ipv6Fixed, Size: 2},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(a.Port()), SkipTrue: 1},
			bpf.Jump{Skip: uint32(len(some)) + 1})
		some = append(one, some...)
	}
	add(some...)
	add(bpf.RetConstant{})
	add(worthwhile(
		[]bpf.Instruction{bpf.LoadAbsolute{Off: 4, Size: 2}},
		[]bpf.Instruction{ // the length of the TCP header
			bpf.LoadAbsolute{Off: ipv6Fixed + 12, Size: 1},
			bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf0},
			bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 2},
			bpf.TAX{},
		},
		[]bpf.Instruction{bpf.LoadAbsolute{Off: ipv6Fixed + 13, Size: 1}},
	)...)
	add(bpf.RetConstant{Val: ipv6Fixed + tcpHeader})
	return program
}

// worthwhile goes on for a packet with data, by its length and that of its headers, which is put
// into the index register, and for one with the SYN or the FIN flag; a length of 0 stands for
// one beyond 64 KiB.
func worthwhile(length, headers, flags []bpf.Instruction) []bpf.Instruction {
	var program []bpf.Instruction
	rest := len(headers) + len(length) + 1 + len(flags) + 2
	program = append(program, length...)
	program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: uint8(rest)})
	program = append(program, headers...)
	program = append(program, length...)
	program = append(program, bpf.JumpIfX{Cond: bpf.JumpGreaterThan, SkipTrue: uint8(len(flags) + 2)})
	program = append(program, flags...)
	return append(program, require(bpf.JumpBitsSet, finFlag|synFlag)...)
}
