# Starts a database server for the warehouse and waits until it answers; --stop stops it.
. (Join-Path $PSScriptRoot 'bootstrap.ps1')
Invoke-Bootstrap database $args
exit $LASTEXITCODE
