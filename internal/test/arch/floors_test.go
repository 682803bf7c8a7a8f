package arch

// floors says on which floor each package lives. A package imports only floors
// below its own; on its own floor, only its parent. Names are relative to
// internal/ or, for what is outside it, to the repository; "x/..." is
// everything beneath x, and the longest name that fits decides.
//
// A new package fails the test until it is written down here. Take the lowest
// floor from which it reaches what it needs.
var floors = [][]string{
	1: {"gate", "config", "telemetry/...", "fault"},                                                                                 // words and set-up: know nothing of ours
	2: {"secret", "policy", "mail", "web/apidocs"},                                                                                  // tools over the words
	3: {"store/...", "factor/...", "web/...", "provision/matrix", "provision/farewell", "provision/breach", "federation/connector"}, // memory, checks, HTTP, clients: hold no rule
	4: {"session", "token", "directory", "apikey", "machine", "org", // workers: own one noun's life
		"federation/...", "limit", "provision", "jobs"},
	5:  {"proving", "passkeys", "admission"},                                                 // what every way in begins and ends with
	6:  {"login", "account", "authn", "agent", "demo", "oauth/...", "admin", "importer/..."}, // conductors: know the order of steps
	7:  {"dialect/...", "pages/..."},                                                         // faces: one wire format each
	8:  {"server"},                                                                           // wires everything
	9:  {"cli"},
	10: {"cmd/...", "test/..."}, // nothing imports them; tests (internal/test, test) import each other
}

// tests is what runs only in tests. The rules about product code spare it.
const tests = "test/..."

// rule forbids imports or uses of names in some packages, and says why. Names of
// packages are as in floors; a path that is not ours is written in full, and
// "x/..." is again everything beneath x and x itself.
type rule struct {
	imports []string // packages
	uses    []string // their members: "net/http.Get"
	in      []string // packages that may not; none means every one
	except  []string // packages, or files "store/engine_*.go", that may nevertheless
	why     string   // what to do instead
}

const uuid = "github.com/google/uuid."

var rules = []rule{
	{
		imports: []string{"store/...", "factor/...", "token"},
		in:      []string{"dialect/...", "pages/..."},
		why:     "a face is too thin to hold a rule: call a verb (login, account, authn, …), and put there what no verb does yet",
	},
	{
		imports: []string{"dialect/..."},
		in:      []string{"dialect/..."},
		why:     "a dialect may change with its original alone: what two share is a verb, or belongs in web",
	},
	{
		imports: []string{"session", "token", "apikey", "machine", "org", "limit", "login", "account", "authn", "policy"},
		in:      []string{"store/..."},
		why:     "the memory is too dumb to hold a rule: the verb decides and tells the store what to remember",
	},
	{
		imports: []string{"config"},
		except:  []string{"cli", "server", "cmd/...", tests},
		why:     "settings are handed on by value: take what you need as a field, and let server fill it in",
	},
	{
		imports: []string{"net/http/..."},
		except:  []string{"web/...", "dialect/...", "pages/...", "server", "cli", "telemetry/...", "federation/...", "provision/...", tests},
		why:     "the mind is reachable without HTTP: only faces serve it, only federation and provision call it",
	},
	{
		imports: []string{"database/sql/..."},
		except:  []string{"store/...", tests},
		why:     "SQL lives in store, one file per table: add a method to store.Tx",
	},
	{
		imports: []string{"github.com/jackc/pgx/v5/...", "modernc.org/sqlite/..."},
		except:  []string{"store/engine_*.go", tests},
		why:     "one SQL text serves both engines: what differs is a method of engine, in store/engine_*.go",
	},
	{
		imports: []string{"crypto/rand"},
		uses:    []string{uuid + "New", uuid + "NewString", uuid + "NewRandom", uuid + "NewUUID", uuid + "NewV6", uuid + "NewV7"},
		except:  []string{"secret", tests},
		why:     "secret is the only package that draws random numbers: use secret.New, Bytes, ID or Reader",
	},
	{
		imports: []string{"math/rand/..."},
		except:  []string{tests},
		why:     "somebody may guess it: use package secret",
	},
	{
		uses:   []string{"time.Now", "time.Since", "time.Until"},
		except: []string{"cli", "server", "cmd/...", "telemetry", tests},
		why:    "a test must be able to say what \"later\" means: take a gate.Clock, or tx.Now()",
	},
	{
		imports: []string{"encoding/json"},
		in:      []string{"dialect/...", "web/..."},
		why:     "it takes duplicate and wrongly-cased keys and invalid UTF-8 without a word: use web.Decode",
	},
	{
		uses: []string{"net/http.DefaultClient", "net/http.DefaultTransport", "net/http.DefaultServeMux", "net/http.Get",
			"net/http.Head", "net/http.Post", "net/http.PostForm", "net/http.Handle", "net/http.HandleFunc"},
		except: []string{tests},
		why:    "it belongs to the whole process and waits for ever: take an *http.Client with a timeout, make a mux",
	},
	{
		imports: []string{"test/..."},
		except:  []string{tests},
		why:     "a test package has no place in the product: import it from a _test.go file",
	},
}

// Sizes beyond which a file or a function is hard to take in; tests may be longer.
const (
	maxFileLines     = 500
	maxFunctionLines = 60
)
