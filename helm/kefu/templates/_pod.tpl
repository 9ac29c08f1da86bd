{{/* Parts that all pods share: Pod Security "restricted". */}}
{{- define "kefu.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* The last lines of a container's log stand in `kubectl describe` when it fails. */}}
{{- define "kefu.containerSecurity" -}}
imagePullPolicy: {{ .Values.image.pullPolicy }}
terminationMessagePolicy: FallbackToLogsOnError
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{/* Where a pod may run. Of a service. */}}
{{- define "kefu.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* Volumes and their mounts, of {root, service}. */}}
{{- define "kefu.volumes" -}}
{{- $volumes := list }}
{{- with .root.Values.database.ca }}{{ if .existingSecret }}
{{- $volumes = append $volumes (include "kefu.caVolume" (dict "name" "database-ca" "secret" .existingSecret "key" .key) | fromYaml) }}
{{- end }}{{ end }}
{{- with include "kefu.kafkaCa" .root }}
{{- $volumes = append $volumes (include "kefu.caVolume" (dict "name" "kafka-ca" "secret" . "key" $.root.Values.kafka.ca.key) | fromYaml) }}
{{- end }}
{{- with concat $volumes .service.extraVolumes }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{- define "kefu.caVolume" -}}
name: {{ .name }}
secret: {secretName: {{ .secret }}, items: [{key: {{ .key }}, path: ca.crt}]}
{{- end }}

{{- define "kefu.volumeMounts" -}}
{{- $mounts := list }}
{{- if .root.Values.database.ca.existingSecret }}
{{- $mounts = append $mounts (dict "name" "database-ca" "mountPath" "/etc/kefu/database-ca" "readOnly" true) }}
{{- end }}
{{- if include "kefu.kafkaCa" .root }}
{{- $mounts = append $mounts (dict "name" "kafka-ca" "mountPath" "/etc/kefu/kafka-ca" "readOnly" true) }}
{{- end }}
{{- with concat $mounts .service.extraVolumeMounts }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{/* A container of a service that runs one of its commands. Of {root, service, name, command}. */}}
{{- define "kefu.container" -}}
- name: {{ .name }}
  image: {{ include "kefu.image" (dict "root" .root "image" .service.image) }}
  args: [{{ .command }}]
  env:
    {{- include "kefu.env" . | trim | nindent 4 }}
  {{- with include "kefu.volumeMounts" . }}
  volumeMounts:
    {{- . | nindent 4 }}
  {{- end }}
  resources:
    {{- toYaml .service.resources | nindent 4 }}
  {{- include "kefu.containerSecurity" .root | nindent 2 }}
{{- end }}

{{/* What has to be done before a version serves, in order. Of {root, service}. */}}
{{- define "kefu.topicsContainer" -}}
{{- if eq .root.Values.topics.create "job" }}
{{- include "kefu.container" (merge (dict "name" "topics" "command" "topics") .) }}
{{- end }}
{{- end }}
{{- define "kefu.migrateContainer" -}}
{{- include "kefu.container" (merge (dict "name" "migrate" "command" "migrate") .) }}
{{- end }}
