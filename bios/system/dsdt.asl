DefinitionBlock ("dsdt.aml", "DSDT", 1, "PENUMB", "PENUMBRA", 1) { Name (\_S5, Package () { 0, 0, 0, 0 }) }
