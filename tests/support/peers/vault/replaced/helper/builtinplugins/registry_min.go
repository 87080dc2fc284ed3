//go:build minimal

package builtinplugins

import (
	credKube "github.com/hashicorp/vault-plugin-auth-kubernetes"
	logicalRabbit "github.com/hashicorp/vault/builtin/logical/rabbitmq"
	dbPostgres "github.com/hashicorp/vault/plugins/database/postgresql"
)

// Of the plugins that the whole Vault has, those that the tests use. The others bring the libraries of
// ten clouds, and cost most of the time of its build.
func extendAddonPlugins(reg *registry) {
	reg.credentialBackends["kubernetes"] = credentialBackend{Factory: credKube.Factory}
	reg.databasePlugins["postgresql-database-plugin"] = databasePlugin{Factory: dbPostgres.New}
	reg.logicalBackends["rabbitmq"] = logicalBackend{Factory: logicalRabbit.Factory}
}
