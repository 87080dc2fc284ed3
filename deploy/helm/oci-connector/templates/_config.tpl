{{/* The programs' configuration files. What a value leaves out is left to the program's default. */}}

{{/* Whose certificates the broker takes: the chart's own, where it makes them, and those of the values. */}}
{{- define "oci.peers" -}}
{{- $own := dict "dataplanes" (list "spiffe://oci-connector.local/dataplane") "operators" (list "spiffe://oci-connector.local/controller" "spiffe://oci-connector.local/operator") }}
{{- if .Values.dataplane.certificateVolume }}
{{- $_ := set $own "dataplanes" (list "spiffe://oci-connector.local/dataplane/*") }}
{{- end }}
{{- range $method, $names := $own }}
{{- $more := index $.Values.broker.peers $method }}
{{- if eq $.Values.certificates.mode "existing" }}
{{- if not $more }}
{{- fail (printf "broker.peers.%s is missing: with certificates.mode existing, say which names the client certificates have" $method) }}
{{- end }}
{{ $method }}: {{ toJson $more }}
{{- else }}
{{ $method }}: {{ toJson (concat $names $more) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "oci.brokerConfig" -}}
{{- $etc := "/etc/oci-connector" }}
{{- $identity := dict "audience" .Values.broker.identity.audience "kubernetes" (dict "verify" .Values.broker.identity.verify) }}
{{- if .Values.broker.identity.requireConnectorAudience }}
{{- $_ := set $identity "requireConnectorAudience" true }}
{{- end }}
{{- if .Values.broker.identity.oidc }}
{{- $_ := set $identity "oidc" .Values.broker.identity.oidc }}
{{- end }}
{{- $audit := dict "directory" "/var/lib/oci-connector/audit" "maxFileAge" .Values.broker.audit.maxFileAge }}
{{- range $key := list "retention" "syslog" "otlp" }}
{{- with index $.Values.broker.audit $key }}
{{- $_ := set $audit $key . }}
{{- end }}
{{- end }}
{{- $config := dict
  "listenAddress" (include "oci.listen" (dict "root" . "port" 7443))
  "adminAddress" (include "oci.listen" (dict "root" . "port" 7480))
  "tls" (dict "certificateFile" (print $etc "/tls/tls.crt") "keyFile" (print $etc "/tls/tls.key") "clientCaFile" (print $etc "/tls/ca.crt"))
  "peers" (include "oci.peers" . | fromYaml)
  "kubernetes" dict
  "resources" (dict "kubernetes" dict)
  "identity" $identity
  "audit" $audit
  "rootKeyFile" (print $etc "/root-key/root.key")
  "logLevel" .Values.broker.logLevel }}
{{- with .Values.broker.upstreamPolicy }}
{{- $_ := set $config "upstreamPolicy" . }}
{{- end }}
{{- with .Values.broker.denyList.configMap }}
{{- $_ := set $config "denyList" (dict "kubernetes" (dict "namespace" $.Release.Namespace "name" .)) }}
{{- end }}
{{- if include "oci.listenerFromBroker" . }}
{{- $_ := set $config "listenerAuthority" (dict "hostSuffixes" (include "oci.hostSuffixes" . | fromJsonArray) "dataplaneHosts" (include "oci.dataplaneHosts" . | fromJsonArray)) }}
{{- end }}
{{- toYaml (mustMergeOverwrite $config (deepCopy .Values.broker.config)) }}
{{- end }}

{{- define "oci.brokerClient" -}}
address: {{ include "oci.brokerAddress" . }}
caFile: /etc/oci-connector/tls/ca.crt
certificateFile: /etc/oci-connector/tls/tls.crt
keyFile: /etc/oci-connector/tls/tls.key
serverName: {{ include "oci.fullname" . }}-broker.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "oci.dataplaneConfig" -}}
{{- $listeners := list }}
{{- if .Values.dataplane.plainHttp.enabled }}
{{- $listeners = append $listeners (dict "address" (include "oci.listen" (dict "root" . "port" 8080))) }}
{{- end }}
{{- if .Values.dataplane.tls.enabled }}
{{- $tls := dict }}
{{- if include "oci.usesListenerSecret" . }}
{{- $tls = dict "certificateFile" "/etc/oci-connector/listener/tls.crt" "keyFile" "/etc/oci-connector/listener/tls.key" }}
{{- end }}
{{- if include "oci.listenerFromBroker" . }}
{{- $_ := set $tls "fromBroker" (dict "dataplaneHosts" (include "oci.dataplaneHosts" . | fromJsonArray)) }}
{{- end }}
{{- $listeners = append $listeners (dict "address" (include "oci.listen" (dict "root" . "port" 8443)) "tls" $tls) }}
{{- end }}
{{- $config := dict
  "listeners" $listeners
  "adminAddress" (include "oci.listen" (dict "root" . "port" 8480))
  "broker" (include "oci.brokerClient" . | fromYaml)
  "hostSuffixes" (include "oci.hostSuffixes" . | fromJsonArray)
  "drainTimeout" (printf "%ds" (int .Values.dataplane.drainSeconds))
  "logLevel" .Values.dataplane.logLevel }}
{{- if .Values.dataplane.threads }}
{{- $_ := set $config "threads" (int .Values.dataplane.threads) }}
{{- end }}
{{- if .Values.dataplane.limits }}
{{- $_ := set $config "limits" .Values.dataplane.limits }}
{{- end }}
{{- toYaml (mustMergeOverwrite $config (deepCopy .Values.dataplane.config)) }}
{{- end }}

{{- define "oci.controllerConfig" -}}
{{- $service := dict
  "dataplane" (dict "namespace" .Release.Namespace "name" (print (include "oci.fullname" .) "-dataplane"))
  "mode" .Values.controller.serviceMode
  "clusterDomain" .Values.clusterDomain }}
{{- if .Values.dataplane.plainHttp.enabled }}
{{- $_ := set $service "httpPort" 80 }}
{{- end }}
{{- if .Values.dataplane.tls.enabled }}
{{- $_ := set $service "httpsPort" 443 }}
{{- $_ := set $service "urlScheme" "https" }}
{{- end }}
{{- $config := dict
  "adminAddress" (include "oci.listen" (dict "root" . "port" 9480))
  "kubernetes" dict
  "broker" (include "oci.brokerClient" . | fromYaml)
  "service" $service
  "leaderElection" (dict "name" (print (include "oci.fullname" .) "-controller"))
  "logLevel" .Values.controller.logLevel }}
{{- toYaml (mustMergeOverwrite $config (deepCopy .Values.controller.config)) }}
{{- end }}
