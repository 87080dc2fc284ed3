{{- define "oci.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "oci.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "oci.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "oci.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Of selectors; never changes in the life of a release. Takes (dict "root" $ "component" "broker"). */}}
{{- define "oci.selector" -}}
app.kubernetes.io/name: {{ include "oci.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "oci.labels" -}}
{{ include "oci.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: oci-connector
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name (.root.Chart.Version | replace "+" "_") }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* `helm upgrade --reuse-values` of a chart that did not serve TLS brings its defaults, too: without this,
     clients would lose plain HTTP, or keep it, and nobody said so. */}}
{{- define "oci.refuseOldValues" -}}
{{- if not (and (hasKey .Values.dataplane "plainHttp") (hasKey .Values "listenAddress")) }}
{{- fail "these values have the defaults of an older chart. Upgrade with --reset-then-reuse-values in place of --reuse-values, and where clients speak plain HTTP set dataplane.plainHttp.enabled=true (docs/tls.md)" }}
{{- end }}
{{- end }}

{{/* metadata of every object: (dict "root" $ "component" C "name" N), and "namespace",
     "clusterScoped" or "annotations". */}}
{{- define "oci.metadata" -}}
{{- include "oci.refuseOldValues" .root }}
name: {{ .name }}
{{- if not .clusterScoped }}
namespace: {{ .namespace | default .root.Release.Namespace }}
{{- end }}
labels:
  {{- include "oci.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "oci.componentName" -}}
{{ include "oci.fullname" .root }}-{{ .component }}
{{- end }}

{{- define "oci.serviceAccount" -}}
{{- $values := index .root.Values .component }}
{{- $values.serviceAccount.name | default (include "oci.componentName" .) }}
{{- end }}

{{/* (dict "root" $ "image" .Values.broker.image) */}}
{{- define "oci.image" -}}
{{- $registry := required "image.registry is missing: say where the images are, as --set image.registry=registry.example.com/oci-connector" .root.Values.image.registry }}
{{- $name := printf "%s/%s" (trimSuffix "/" $registry) .image.repository }}
{{- if .image.digest }}
{{- printf "%s@%s" $name .image.digest }}
{{- else }}
{{- printf "%s:%s" $name (.image.tag | default .root.Values.image.tag | default .root.Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* The Secret with a certificate or the root key: (dict "root" $ "which" "broker") */}}
{{- define "oci.secretName" -}}
{{- $suffixes := dict "broker" "broker-tls" "dataplane" "dataplane-tls" "controller" "controller-tls" "operator" "operator-tls" "rootKey" "root-key" }}
{{- index .root.Values.certificates.secretNames .which | default (printf "%s-%s" (include "oci.fullname" .root) (index $suffixes .which)) }}
{{- end }}

{{- define "oci.listenerSecretName" -}}
{{- .Values.dataplane.tls.secretName | default (printf "%s-listener-tls" (include "oci.fullname" .)) }}
{{- end }}

{{/* Whether the listener has a certificate beside those of the broker. */}}
{{- define "oci.usesListenerSecret" -}}
{{- $tls := .Values.dataplane.tls }}
{{- if and $tls.enabled (or $tls.secretName $tls.dnsNames (not $tls.fromBroker)) }}yes{{ end }}
{{- end }}

{{/* Whether the chart has it made. */}}
{{- define "oci.makesListener" -}}
{{- if and (include "oci.usesListenerSecret" .) (not .Values.dataplane.tls.secretName) (ne .Values.certificates.mode "existing") }}yes{{ end }}
{{- end }}

{{/* Whether the broker issues certificates for the listener. */}}
{{- define "oci.listenerFromBroker" -}}
{{- if and .Values.dataplane.tls.enabled .Values.dataplane.tls.fromBroker }}yes{{ end }}
{{- end }}

{{/* How the pod of `helm test` comes to the data plane: by TLS where it can verify it. */}}
{{- define "oci.testPort" -}}
{{- if or (include "oci.listenerFromBroker" .) (not .Values.dataplane.plainHttp.enabled) }}8443{{ else }}8080{{ end }}
{{- end }}

{{/* What ends a connector's host, beside svc and what every program knows. */}}
{{- define "oci.hostSuffixes" -}}
{{ toJson (prepend .Values.dataplane.hostSuffixes (print "svc." .Values.clusterDomain) | uniq) }}
{{- end }}

{{/* Those names of the data plane's Service that the broker may certify. */}}
{{- define "oci.dataplaneHosts" -}}
{{- $hosts := list }}
{{- $suffixes := prepend (include "oci.hostSuffixes" . | fromJsonArray) "svc" | uniq }}
{{- range $host := include "oci.serviceNames" (dict "root" . "component" "dataplane") | trim | splitList "\n" }}
{{- range $suffixes }}
{{- if hasSuffix (print "." .) $host }}
{{- $hosts = append $hosts $host }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson ($hosts | uniq) }}
{{- end }}

{{/* The Job's Secrets, one name a line: what it may read and update, and what connectorctl is told. */}}
{{- define "oci.jobSecrets" -}}
{{- $full := include "oci.fullname" . }}
{{- if eq .Values.certificates.mode "job" }}
{{- range tuple "ca" "broker-tls" "dataplane-tls" "controller-tls" "operator-tls" }}
{{ $full }}-{{ . }}
{{- end }}
{{- if include "oci.makesListener" . }}
{{ $full }}-listener-tls
{{- end }}
{{- end }}
{{- if ne .Values.certificates.mode "existing" }}
{{ $full }}-root-key
{{- end }}
{{- end }}

{{/* The names of the broker's and the listener's server certificates, one a line. */}}
{{- define "oci.serviceNames" -}}
{{- $service := include "oci.componentName" . }}
{{- $ns := .root.Release.Namespace }}
{{ $service }}
{{ $service }}.{{ $ns }}
{{ $service }}.{{ $ns }}.svc
{{ $service }}.{{ $ns }}.svc.{{ .root.Values.clusterDomain }}
{{- end }}

{{- define "oci.brokerAddress" -}}
dns:///{{ include "oci.fullname" . }}-broker.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:7443
{{- end }}

{{/* Takes what has podSecurityContext: a program's values, the Job's, the test's. */}}
{{- define "oci.podSecurity" -}}
{{- with .podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "oci.containerSecurity" -}}
{{- with .securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where a program listens: (dict "root" $ "port" 7443) */}}
{{- define "oci.listen" -}}
{{- $address := .root.Values.listenAddress }}
{{- if contains ":" $address }}[{{ $address }}]{{ else }}{{ $address }}{{ end }}:{{ .port }}
{{- end }}

{{- define "oci.ipFamilies" -}}
{{- with .Values.ipFamilyPolicy }}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .Values.ipFamilies }}
ipFamilies: {{ toJson . }}
{{- end }}
{{- end }}

{{/* What every pod of a program has around its container: (dict "root" $ "component" C) */}}
{{- define "oci.podSettings" -}}
{{- $values := index .root.Values .component }}
serviceAccountName: {{ include "oci.serviceAccount" . }}
{{- include "oci.podSecurity" $values }}
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
{{- if $values.topologySpreadConstraints }}
  {{- toYaml $values.topologySpreadConstraints | nindent 2 }}
{{- else }}
{{- range tuple "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "oci.selector" $ | nindent 8 }}
{{- end }}
{{- end }}
{{- end }}

{{/* Labels and annotations of a pod; a changed configuration makes new pods. */}}
{{- define "oci.podMetadata" -}}
{{- $values := index .root.Values .component }}
labels:
  {{- include "oci.labels" . | nindent 2 }}
  {{- with $values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/config: {{ include (printf "oci.%sConfig" .component) .root | sha256sum }}
  {{- with merge (dict) $values.podAnnotations .root.Values.commonAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* The container up to its ports: (dict "root" $ "component" C "admin" PORT) */}}
{{- define "oci.container" -}}
{{- $values := index .root.Values .component }}
name: {{ .component }}
image: {{ include "oci.image" (dict "root" .root "image" $values.image) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args: ["--config", "/etc/oci-connector/config/{{ .component }}.yaml"]
{{- include "oci.containerSecurity" $values }}
{{- with $values.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
livenessProbe:
  httpGet: {path: /livez, port: admin}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
resources:
  {{- toYaml $values.resources | nindent 2 }}
{{- end }}

{{- define "oci.configVolume" -}}
- name: config
  configMap: {name: {{ include "oci.componentName" . }}, defaultMode: 0444}
{{- end }}

{{/* items: the kubelet waits with the pod until the Job has filled the Secret. */}}
{{- define "oci.tlsVolume" -}}
- name: tls
  secret:
    secretName: {{ include "oci.secretName" (dict "root" .root "which" .component) }}
    defaultMode: 0440
    items:
      - {key: tls.crt, path: tls.crt}
      - {key: tls.key, path: tls.key}
      - {key: ca.crt, path: ca.crt}
{{- end }}

{{/* What automountServiceAccountToken would mount, for the pods alone that speak to the API. */}}
{{- define "oci.apiTokenVolume" -}}
- name: api-token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3607}
      - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
      - downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}
{{- end }}

{{- define "oci.apiTokenMount" -}}
- {name: api-token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
{{- end }}

{{- define "oci.configMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "oci.metadata" (merge (dict "name" (include "oci.componentName" .)) .) | nindent 2 }}
data:
  {{ .component }}.yaml: |
    {{- include (printf "oci.%sConfig" .component) .root | nindent 4 }}
{{- end }}

{{- define "oci.serviceAccountObject" -}}
{{- $values := index .root.Values .component }}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "oci.metadata" (merge (dict "name" (include "oci.serviceAccount" .) "annotations" $values.serviceAccount.annotations) .) | nindent 2 }}
automountServiceAccountToken: false
{{- end }}

{{- define "oci.podDisruptionBudget" -}}
{{- $values := index .root.Values .component }}
{{- if $values.podDisruptionBudget.enabled }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "oci.metadata" (merge (dict "name" (include "oci.componentName" .)) .) | nindent 2 }}
spec:
  maxUnavailable: {{ $values.podDisruptionBudget.maxUnavailable }}
  # Pods that are not ready serve nobody, and must not hold up a node's drain.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "oci.selector" . | nindent 6 }}
{{- end }}
{{- end }}

{{/* A StatefulSet's template of claims can never change: one that is there keeps its size. Claims grow by
     themselves, see NOTES.txt. */}}
{{- define "oci.auditSize" -}}
{{- $there := lookup "apps/v1" "StatefulSet" .Release.Namespace (printf "%s-broker" (include "oci.fullname" .)) }}
{{- if $there }}
{{- (index $there.spec.volumeClaimTemplates 0).spec.resources.requests.storage }}
{{- else }}
{{- .Values.broker.audit.size }}
{{- end }}
{{- end }}
