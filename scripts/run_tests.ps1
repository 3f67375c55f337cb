# Runs the linters and all tests; with arguments, pytest alone with these.
. (Join-Path $PSScriptRoot 'bootstrap.ps1')
Invoke-Bootstrap test $args
exit $LASTEXITCODE
