package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"duban/projections/seal"
)

// KeysView is who signs the log's heads.
type KeysView struct {
	Origin string     `json:"origin" doc:"账本在 C2SP 检查点中的名称"`
	Keys   []seal.Key `json:"keys" doc:"公布过的验证密钥，最早的在前"`
}

func (s *Server) keys() {
	register(s, huma.Operation{Method: http.MethodGet, Path: "/keys", OperationID: "keys", Tags: []string{tagUpkeep}, Summary: "签名树头的验证密钥"},
		func(context.Context, *noInput) (*body[KeysView], error) {
			v := KeysView{Keys: []seal.Key{}}
			if s.Seal != nil {
				v.Origin, v.Keys = s.Seal.Origin(), append(v.Keys, s.Seal.Keys()...)
			}
			return &body[KeysView]{Body: v}, nil
		})
}
