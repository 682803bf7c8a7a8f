package connector

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestAddressesThatMayBeDialled(t *testing.T) {
	type verdict struct{ plainly, allowed bool }
	public, private, never := verdict{true, true}, verdict{false, true}, verdict{false, false}
	for address, want := range map[string]verdict{
		"8.8.8.8": public, "140.82.121.3": public, "2606:4700::1111": public, "100.128.0.1": public, "172.32.0.1": public,
		"64:ff9b::8.8.8.8": public, "::ffff:8.8.8.8": public, "2002:808:808::1": public,

		"127.0.0.1": private, "127.255.255.254": private, "::1": private, "::ffff:127.0.0.1": private,
		"10.0.0.1": private, "172.16.0.1": private, "172.31.255.255": private, "192.168.1.1": private,
		"::ffff:10.0.0.1": private, "64:ff9b::10.0.0.1": private, "64:ff9b::7f00:1": private, "2002:a00:1::1": private,
		"2002:7f00:1::1": private, "64:ff9b:1::1": private,
		"100.64.0.1": private, "100.127.255.255": private, "169.254.1.1": private, "fe80::1": private, "fe80::1%eth0": private,
		"fc00::1": private, "fd12::1": private, "2001::1": private, "2001:db8::1": private, "192.0.2.1": private,
		"198.18.0.1": private, "240.0.0.1": private, "::8.8.8.8": private, "fec0::1": private,

		"0.0.0.0": never, "0.1.2.3": never, "::": never, "224.0.0.1": never, "ff02::1": never, "255.255.255.255": never,
		"169.254.169.254": never, "fd00:ec2::254": never, "100.100.100.200": never, "168.63.129.16": never,
		"::ffff:169.254.169.254": never, "64:ff9b::169.254.169.254": never, "2002:a9fe:a9fe::": never, "::ffff:0.0.0.0": never,
		"169.254.170.2": never, "192.0.0.192": never,
	} {
		got := verdict{mayDial(netip.MustParseAddr(address), false), mayDial(netip.MustParseAddr(address), true)}
		if got != want {
			t.Errorf("%s: %+v, want %+v", address, got, want)
		}
	}
	if mayDial(netip.Addr{}, true) {
		t.Error("no address may be dialled")
	}
}

// Names that the system resolves to this machine, and forms of numbers that it
// might take for it.
func TestAPrivateProviderIsRefusedUnlessAllowed(t *testing.T) {
	p := serve(t)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(p.URL, "http://"))
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"} {
		s := p.settings()
		s.Issuer, s.AllowPrivate = "http://"+host+":"+port, false
		if err := begin(p.clientWith(s)); !errors.Is(err, ErrMisconfigured) {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range []string{"2130706433", "0x7f.1", "0177.0.0.1", "127.1"} {
		s := p.settings()
		s.Issuer, s.AllowPrivate = "http://"+host+":"+port, false
		if err := begin(p.clientWith(s)); err == nil {
			t.Errorf("%s was reached", host)
		}
	}
	if n := p.requests(discoveryPath); n != 0 {
		t.Errorf("the provider was asked %d times", n)
	}
	if err := begin(p.client()); err != nil {
		t.Errorf("allowed: %v", err)
	}
}

// The address of discovery may be public, and that of another endpoint not.
func TestAnEndpointAtAPrivateAddressIsRefused(t *testing.T) {
	p := serve(t)
	c := p.client()
	if err := begin(c); err != nil {
		t.Fatal(err)
	}
	c.http = newHTTPClient(newDialer(false))
	if _, err := finish(t, c, theAnswer()); !errors.Is(err, ErrMisconfigured) || p.requests("/token") != 0 {
		t.Errorf("error %v", err)
	}
}

// nameServer answers every question with the next of the addresses, as one that
// rebinds names would.
func nameServer(t *testing.T, addresses ...string) *net.Resolver {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	var asked atomic.Int64
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response = true
			m.Additionals = nil
			if question := m.Questions[0]; question.Type == dnsmessage.TypeA {
				address := netip.MustParseAddr(addresses[min(int(asked.Add(1))-1, len(addresses)-1)])
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class},
					Body:   &dnsmessage.AResource{A: address.As4()},
				}}
			}
			packet, _ := m.Pack()
			_, _ = conn.WriteTo(packet, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// A name is looked at when it is dialled, each time.
func TestANameThatResolvesToAPrivateAddressIsRefused(t *testing.T) {
	p := serve(t)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(p.URL, "http://"))
	for name, addresses := range map[string][]string{
		"loopback": {"127.0.0.1"}, "RFC 1918": {"10.1.2.3"}, "metadata": {"169.254.169.254"}, "a second time": {"0.0.0.0", "127.0.0.1"},
	} {
		dialer := newDialer(false)
		dialer.Resolver = nameServer(t, addresses...)
		for range addresses {
			conn, err := dialer.DialContext(t.Context(), "tcp", "id.example.org:"+port)
			if err == nil {
				_ = conn.Close()
			}
			if !errors.Is(err, errForbiddenAddress) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	dialer := newDialer(true) // and it is really that name server that is asked
	dialer.Resolver = nameServer(t, "127.0.0.1")
	conn, err := dialer.DialContext(t.Context(), "tcp", "id.example.org:"+port)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}
