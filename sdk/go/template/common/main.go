// Command policy is the plugin. What it decides is in the package rule; this is what the compiler starts from.
package main

import _ "policy/gen/wit_exports"

func main() {}
